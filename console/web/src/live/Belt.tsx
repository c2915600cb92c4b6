/**
 * The conveyor: what came in enters at the left, under PVW, and reaches the air line at the right, under PGM.
 *
 * Things lie on a film that is as long as the delay and is moved as time passes; only the film moves, past React.
 * Their place follows from when they are due: seconds of performance.now().
 */
import { useLayoutEffect, useRef } from "react";
import { useConsole } from "../api/store";
import type { ChannelStatus } from "../api/types";
import { type Strings, useText } from "../i18n";
import { clock, person } from "../ui/format";
import classes from "./Belt.module.css";
import { type Condemned, condemnedOf, marksOf, receivedOf, scaleOf } from "./beltMath";

const FRAME_MS = 33;
const ANCHOR_EVERY_S = 600; // keeps the film's place a small number
const BEYOND_S = 5; // what still comes in reaches past the left edge, so that its end never shows

export function Belt({ channel }: { channel: ChannelStatus }) {
  const text = useText();
  const receivedAt = useConsole((state) => state.receivedAt);
  const offset = useConsole((state) => state.clockOffsetMs);
  const film = useRef<HTMLDivElement>(null);
  const { delay_s: delay } = channel;
  const nowS = receivedAt / 1000;
  const anchor = Math.floor(nowS / ANCHOR_EVERY_S) * ANCHOR_EVERY_S;
  useMovingFilm(film, anchor, delay);

  const place = (dueS: number) => `${((1 - (dueS - anchor) / delay) * 100).toFixed(4)}%`;
  const width = (seconds: number) => `${((seconds / delay) * 100).toFixed(4)}%`;
  const received = receivedOf(channel);
  const condemned = condemnedOf(channel);
  const cut = condemned.some((span) => span.open);
  const wallS = nowS + offset / 1000;
  return (
    <section className={classes.belt} aria-label={text.belt.title}>
      <div className={classes.scale}>
        <span className={classes.in}>{text.belt.incoming}</span>
        {scaleOf(delay).map((seconds) => (
          <span key={seconds} style={{ left: `${(1 - seconds / delay) * 100}%` }}>
            {seconds === scaleOf(delay)[0] ? text.belt.toAir(seconds) : `${seconds} s`}
          </span>
        ))}
        <span className={classes.air}>{text.belt.air}</span>
      </div>
      <div className={classes.track}>
        <div className={classes.film} ref={film}>
          {received !== null && (
            <div
              className={classes.received}
              style={{
                left: place(nowS + received.toS + (received.arriving ? BEYOND_S : 0)),
                width: width(received.toS - received.fromS + (received.arriving ? BEYOND_S : 0)),
                backgroundSize: `${(100 / (received.toS - received.fromS + (received.arriving ? BEYOND_S : 0))).toFixed(4)}% 100%, auto`,
              }}
            />
          )}
          {marksOf(wallS, delay).map((arrivalS) => (
            <span
              key={arrivalS}
              className={classes.mark}
              style={{ left: place(nowS + delay - (wallS - arrivalS)) }}
            >
              {clock(arrivalS * 1000)}
            </span>
          ))}
          {condemned.map((span) => (
            <div
              key={`${span.actor}/${Math.round((nowS + span.fromS) * 2)}`}
              className={classes.span}
              data-open={span.open}
              style={{
                left: place(nowS + span.toS + (span.open ? BEYOND_S : 0)),
                width: width(span.toS - span.fromS + (span.open ? BEYOND_S : 0)),
              }}
            >
              {!span.open && labelOf(span, text)}
            </div>
          ))}
        </div>
        {cut && <div className={classes.over}>{text.belt.cutOpen}</div>}
        {received === null && !cut && (
          <div className={classes.over} data-dim>
            {text.belt.nothing}
          </div>
        )}
      </div>
      <i className={classes.edge} />
      <i className={classes.edge} />
    </section>
  );
}

function labelOf(span: Condemned, text: Strings): string {
  const words = `${text.belt.condemned} ${(span.toS - span.fromS).toFixed(1)} s`;
  return span.actor === "" ? words : `${words} · ${person(span.actor)}`;
}

/** Moves the film with time, 30 times a second and not while the page is hidden. */
function useMovingFilm(film: React.RefObject<HTMLDivElement | null>, anchor: number, delay: number): void {
  useLayoutEffect(() => {
    let drawnAt = 0;
    let frame = 0;
    const draw = (now: number) => {
      frame = requestAnimationFrame(draw);
      if (now - drawnAt < FRAME_MS - 4 || film.current === null) return;
      drawnAt = now;
      film.current.style.transform = `translateX(${(((performance.now() / 1000 - anchor) / delay) * 100).toFixed(4)}%)`;
    };
    draw(performance.now());
    return () => cancelAnimationFrame(frame);
  }, [film, anchor, delay]);
}
