import { Kbd, UnstyledButton } from "@mantine/core";
import { type KeyboardEvent, type PointerEvent, useEffect, useEffectEvent, useRef, useState } from "react";
import { say, useLanguage, useText } from "../i18n";
import { fillerName } from "../live/filler";
import { person } from "../ui/format";
import { Answer } from "../ui/Page";
import { byWhom, size } from "../ui/people";
import { countIn, kindOfAiring } from "./airing";
import { Flags, IncidentSpans } from "./DayIncidents";
import { clockOf, type Span } from "./days";
import { KEY_OF } from "./keys";
import type { RecordingHold } from "./questions";
import { Stills } from "./Stills";
import classes from "./Timeline.module.css";
import { useDeck } from "./useDeck";
import { panned, type Room, spanOf } from "./useRoom";
import { barOf, placeOf, ticksOf, timeAt, zoom } from "./view";

const DRAG_PX = 4;
const WHEEL = 1.0015;
const BINS = 120;

/** The day as bars over time: what came in, what aired, what is held, comments; the playhead moves over them. */
export function Timeline({ room, comments }: { room: Room; comments: readonly number[] }) {
  const words = useText().recordings.timeline;
  const acts = useText().recordings.acts;
  return (
    <section className={classes.timeline} aria-label={words.zoom} data-testid="timeline">
      <Answer asked={room.asked}>
        <Flags room={room} />
        <Stage room={room} comments={comments} />
        <div className={classes.foot}>
          <span className={classes.legend}>{words.legend}</span>
          {(["wider", "closer"] as const).map((act) => (
            <UnstyledButton
              key={act}
              className={classes.zoom}
              aria-keyshortcuts={act === "closer" ? "+" : "-"}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => room.press(act)}
            >
              {acts[act]} <Kbd size="xs">{KEY_OF[act]}</Kbd>
            </UnstyledButton>
          ))}
        </div>
      </Answer>
    </section>
  );
}

function Stage({ room, comments }: { room: Room; comments: readonly number[] }) {
  const words = useText().recordings.timeline;
  const stage = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<{ from: number; x: number; to: number } | null>(null);
  const { view, span, deck } = room;
  const at = useDeck(deck, (state) => (state.at === null ? null : Math.floor(state.at)));
  const timeOf = (x: number): number => {
    const box = stage.current?.getBoundingClientRect();
    return box === undefined ? view.start : timeAt(view, (x - box.left) / box.width);
  };
  const onWheel = useEffectEvent((event: WheelEvent) => {
    event.preventDefault();
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (sideways) room.look(panned(view, span, (event.deltaX || event.deltaY) / 1_000));
    else room.look(zoom(view, span, WHEEL ** event.deltaY, timeOf(event.clientX)));
  });
  useEffect(() => {
    const box = stage.current;
    const listen = (event: WheelEvent): void => onWheel(event);
    box?.addEventListener("wheel", listen, { passive: false }); // the page must not scroll meanwhile
    return () => box?.removeEventListener("wheel", listen);
  }, []);
  const down = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const from = timeOf(event.clientX);
    setDrag({ from, x: event.clientX, to: from });
  };
  const move = (event: PointerEvent<HTMLDivElement>) => {
    if (drag === null) return;
    const to = timeOf(event.clientX);
    setDrag({ ...drag, to });
    if (Math.abs(event.clientX - drag.x) > DRAG_PX) room.mark({ in: Math.min(drag.from, to), out: Math.max(drag.from, to) });
  };
  const up = (event: PointerEvent<HTMLDivElement>) => {
    if (drag !== null && Math.abs(event.clientX - drag.x) <= DRAG_PX) room.goTo(drag.from);
    setDrag(null);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = event.shiftKey ? (view.end - view.start) / 10 : 1;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      deck.jump(event.key === "ArrowLeft" ? -step : step);
    } else if (event.key === "Home" || event.key === "End") {
      const recorded = room.line?.recorded ?? [];
      const target = event.key === "Home" ? recorded[0]?.start : (recorded.at(-1)?.end ?? span.end) - 1;
      if (target !== undefined) room.goTo(target);
    } else if (event.key === "PageUp" || event.key === "PageDown") {
      room.look(panned(view, span, event.key === "PageUp" ? -0.8 : 0.8));
    } else return;
    event.preventDefault();
  };
  return (
    <div
      ref={stage}
      className={classes.stage}
      // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- an input holds no pictures and bars
      role="slider"
      tabIndex={0}
      aria-label={words.label}
      aria-valuemin={Math.floor(span.start)}
      aria-valuemax={Math.floor(span.end)}
      aria-valuenow={at ?? Math.floor(span.start)}
      aria-valuetext={at === null ? words.empty : clockOf(at)}
      data-testid="stage"
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={() => setDrag(null)}
      onKeyDown={onKeyDown}
    >
      <div className={classes.ruler}>
        {ticksOf(view, 10).map((tick) => (
          <span key={tick} style={{ left: `${placeOf(view, tick) * 100}%` }}>
            {view.end - view.start < 600 ? clockOf(tick) : clockOf(tick).slice(0, 5)}
          </span>
        ))}
      </div>
      <Stills room={room} />
      <Bars room={room} comments={comments} />
      <IncidentSpans room={room} />
      <Playheads room={room} />
    </div>
  );
}

function until({ start, end }: Span): string {
  return `${clockOf(start)} – ${clockOf(end)} · `;
}

interface BarProps {
  view: Span;
  span: Span;
  kind: string;
  title: string;
  label?: string;
}

function Bar({ view, span, kind, title, label }: BarProps) {
  const place = barOf(view, span);
  if (place === null) return null;
  return (
    <s className={classes.bar} data-kind={kind} title={title} style={{ left: `${place.left}%`, width: `max(2px, ${place.width}%)` }}>
      {label}
    </s>
  );
}

function Bars({ room, comments }: { room: Room; comments: readonly number[] }) {
  const all = useText();
  const language = useLanguage();
  const text = all.recordings;
  const words = text.timeline;
  const { view, line, marks } = room;
  const marked = spanOf(marks);
  const why = (code: string) => text.whys[code as keyof typeof text.whys] ?? code;
  const by = (actor: string) => (actor === "" ? "" : text.by(person(actor)));
  const counts = countIn(view, BINS, comments);
  const most = Math.max(1, ...counts);
  const reason = (one: RecordingHold) => say(language, one.reason, one.reason_zh);
  const held = line?.holds ?? [];
  return (
    <>
      <div className={classes.track} data-name={words.in} data-testid="track-in">
        {line?.recorded.map((one) => (
          <Bar key={`r${one.start}`} view={view} span={one} kind="recorded" title={until(one) + words.recorded(size(one.bytes))} />
        ))}
        {line?.losses.map((one) => (
          <Bar
            key={`l${one.start}${one.why}`}
            view={view}
            span={one}
            kind="loss"
            title={until(one) + words.loss(text.losses[one.why as keyof typeof text.losses] ?? one.why)}
          />
        ))}
        {line?.held_back.map((one) => (
          <Bar key={`b${one.start}`} view={view} span={one} kind="back" title={until(one) + words.back(why(one.why)) + by(one.actor)} />
        ))}
      </div>
      <div className={classes.track} data-name={words.air} data-testid="track-air">
        {line?.aired.map((one) => {
          const kind = kindOfAiring(one);
          const said = kind === "live" ? text.onAir.live : words.filler(fillerName(one.filler, all), why(one.why));
          return <Bar key={one.start} view={view} span={one} kind={kind} title={until(one) + said + by(one.actor)} />;
        })}
      </div>
      <div className={classes.track} data-name={words.kept} data-testid="track-hold">
        {held.map((one) => (
          <Bar key={one.id} view={view} span={one} kind="hold" title={until(one) + words.hold(reason(one), byWhom(one.by, all))} label={reason(one)} />
        ))}
        {comments.length > 0 && (
          <div className={classes.counts} title={words.comments(comments.length.toLocaleString("en"))} aria-hidden>
            {counts.map((count, place) => (
              // oxlint-disable-next-line react/no-array-index-key -- a cell is its place
              <i key={place} style={{ height: `${(count / most) * 100}%` }} />
            ))}
          </div>
        )}
      </div>
      {marked !== null && <Bar view={view} span={marked} kind="marked" title={until(marked)} />}
      {(["in", "out"] as const).map((name) => {
        const at = marks[name];
        if (at === null || at < view.start || at > view.end) return null;
        return <i key={name} className={classes.mark} style={{ left: `${placeOf(view, at) * 100}%` }} />;
      })}
    </>
  );
}

/** Where the pictures are: the moment that came in, and, dashed, when it aired. */
function Playheads({ room }: { room: Room }) {
  const { view, deck } = room;
  const at = useDeck(deck, (state) => state.at);
  const airedAt = useDeck(deck, (state) => state.airedAt);
  const inSight = (time: number | null): time is number => time !== null && time >= view.start && time <= view.end;
  return (
    <>
      {inSight(at) && <i className={classes.playhead} data-testid="playhead" style={{ left: `${placeOf(view, at) * 100}%` }} />}
      {inSight(airedAt) && <i className={classes.airhead} style={{ left: `${placeOf(view, airedAt) * 100}%` }} />}
    </>
  );
}
