/** The pointer on the conveyor: hover, click, drag. Places are turned into moments at once, since the film moves on. */
import { type PointerEvent, useRef, useState } from "react";
import type { ChannelStatus } from "../../api/types";
import { commit } from "./commands";
import type { Edge } from "./hand";
import { act, useHand, wallNow } from "./stores";
import { atShare, SHORTEST_S } from "./track";

const CLICK_PX = 4;

type Grip = { kind: "ground" } | { kind: "edge"; edge: Edge } | { kind: "pull"; id: string; edge: Edge } | { kind: "span"; id: string };

interface Drag {
  grip: Grip;
  x: number;
  at: number;
  moved: boolean;
}

export function usePointer(channel: ChannelStatus) {
  const [hover, setHover] = useState<number | null>(null);
  const drag = useRef<Drag | null>(null);
  const momentOf = (event: PointerEvent<HTMLElement>) => atShare({ now: wallNow(), delayS: channel.delay_s }, shareOf(event));

  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    event.preventDefault(); // the focus stays: the next key is one of the desk's
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { grip: gripOf(event.target), x: event.clientX, at: momentOf(event), moved: false };
    setHover(null);
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const held = drag.current;
    if (held === null) {
      setHover(shareOf(event));
      return;
    }
    if (!held.moved && Math.abs(event.clientX - held.x) < CLICK_PX) return;
    held.moved = true;
    const at = momentOf(event);
    const window = { now: wallNow(), delayS: channel.delay_s };
    if (held.grip.kind === "edge") {
      act({ type: "edge", edge: held.grip.edge });
      act({ type: "put", at, window });
    } else if (held.grip.kind === "pull") act({ type: "pull", pull: { id: held.grip.id, edge: held.grip.edge, at } });
    else act({ type: "draw", a: held.at, b: at });
  };
  const onPointerUp = (event: PointerEvent<HTMLElement>) => {
    const held = drag.current;
    drag.current = null;
    if (held === null) return;
    if (held.grip.kind === "pull" && held.moved) commit.move(channel, held.grip.id, held.grip.edge, momentOf(event));
    if (held.moved) {
      const { chosen } = useHand.getState();
      if (chosen !== null && chosen.to - chosen.from < SHORTEST_S) act({ type: "drop" });
      return;
    }
    if (held.grip.kind === "span") act({ type: "pick", id: useHand.getState().picked === held.grip.id ? null : held.grip.id });
    else if (held.grip.kind === "ground") act({ type: "review", at: held.at });
  };
  const onPointerCancel = () => {
    drag.current = null;
    act({ type: "pull", pull: null });
  };
  const onPointerLeave = () => setHover(null);
  return { hover, onPointerDown, onPointerMove, onPointerUp, onPointerCancel, onPointerLeave };
}

function shareOf(event: PointerEvent<HTMLElement>): number {
  const { left, width } = event.currentTarget.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - left) / width));
}

function gripOf(target: EventTarget): Grip {
  if (!(target instanceof Element)) return { kind: "ground" };
  const handle = target.closest<HTMLElement>("[data-handle]")?.dataset["handle"];
  const id = target.closest<HTMLElement>("[data-span]")?.dataset["span"];
  if (handle === "from" || handle === "to") return id === undefined ? { kind: "edge", edge: handle } : { kind: "pull", id, edge: handle };
  return id === undefined || target.closest("[data-open=true]") !== null ? { kind: "ground" } : { kind: "span", id };
}
