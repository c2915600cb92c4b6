/** Over the picture of the review player: the rectangle that a mosaic is to cover, drawn, moved and sized; and those that stand. */
import { type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";
import type { ChannelStatus } from "../../api/types";
import { useText } from "../../i18n";
import { type Box, boxBetween, isTooSmall, moved, placeOf, type Point, sized } from "./box";
import classes from "./BoxLayer.module.css";
import { act, useHand } from "./stores";
import { isCoveredBy } from "./track";

interface Drag {
  what: "draw" | "move" | "size";
  from: Point;
  /** As it was when the drag began. */
  box: Box | null;
}

export function BoxLayer({ channel, video, moment }: { channel: ChannelStatus; video: RefObject<HTMLVideoElement | null>; moment: number | null }) {
  const words = useText().conveyor;
  const box = useHand((hand) => hand.box);
  const held = useHand((hand) => hand.boxing);
  const drag = useRef<Drag | null>(null);
  const ratio = useRatio(video);
  const standing = moment === null ? [] : channel.spans.filter((span) => isCoveredBy(span, channel.keyframes_at, moment));

  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    event.preventDefault(); // the focus stays: the next key is one of the desk's
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { what: gripOf(event.target), from: pointOf(event), box };
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const at = pointOf(event);
    const { current } = drag;
    if (current === null) return;
    const by = { x: at.x - current.from.x, y: at.y - current.from.y };
    if (current.what === "draw" || current.box === null) act({ type: "box", box: boxBetween(current.from, at) });
    else act({ type: "box", box: current.what === "move" ? moved(current.box, by) : sized(current.box, by) });
  };
  const onPointerUp = () => {
    const { current } = drag;
    drag.current = null;
    const now = useHand.getState().box;
    // A click draws nothing, and takes nothing away.
    if (current !== null && now !== null && isTooSmall(now)) act({ type: "box", box: current.box });
  };
  const onPointerCancel = () => {
    if (drag.current !== null) act({ type: "box", box: drag.current.box });
    drag.current = null;
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- keys do all that the pointer does
    <div
      className={classes.layer}
      style={{ "--ratio": ratio } as React.CSSProperties}
      data-testid="box-layer"
      onMouseDown={(event) => event.preventDefault()}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerCancel}
    >
      {standing.map(({ id, box: covered }) => (
        <i key={id} className={classes.standing} data-standing={id} style={placeOf(boxOf(covered))} />
      ))}
      {box !== null && (
        <div className={classes.box} data-testid="box" data-held={held} style={placeOf(box)}>
          <output>{words.boxSize(Math.round(box.w * 100), Math.round(box.h * 100))}</output>
          <i className={classes.corner} data-corner />
        </div>
      )}
    </div>
  );
}

/** Width to height of the picture that is shown. */
function useRatio(video: RefObject<HTMLVideoElement | null>): number {
  const [ratio, setRatio] = useState(16 / 9);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    const look = () => {
      if (element.videoWidth > 0 && element.videoHeight > 0) setRatio(element.videoWidth / element.videoHeight);
    };
    look();
    element.addEventListener("resize", look); // of the picture, not of the element
    return () => element.removeEventListener("resize", look);
  }, [video]);
  return ratio;
}

function boxOf(wire: readonly number[] | null): Box {
  const [x = 0, y = 0, w = 1, h = 1] = wire ?? [];
  return { x, y, w, h };
}

function pointOf(event: PointerEvent<HTMLElement>): Point {
  const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
  return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
}

function gripOf(target: EventTarget): Drag["what"] {
  if (!(target instanceof Element)) return "draw";
  if (target.closest("[data-corner]") !== null) return "size";
  return target.closest("[data-testid=box]") === null ? "draw" : "move";
}
