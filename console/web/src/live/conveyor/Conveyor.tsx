/**
 * The conveyor: what came in enters at the left, under PVW, and reaches the air line at the right, under PGM.
 *
 * Things lie on a film that is as long as the delay; their place is when they came in, by the server's clock. Only the
 * film moves. A click opens the review player there, a drag chooses a span, the ends of condemned spans can be pulled.
 */
import { type MouseEvent, useEffect, useRef } from "react";
import { useConsole } from "../../api/store";
import type { ChannelStatus } from "../../api/types";
import { useText } from "../../i18n";
import { receivedOf, scaleOf } from "../beltMath";
import classes from "./Conveyor.module.css";
import { Comments, Happened } from "./Happened";
import { AirTimes, Choice, Sound, Stills } from "./Layers";
import { HoverCard } from "./HoverCard";
import { type Places, placesOf } from "./places";
import { Spans } from "./Spans";
import { act, useStrip, useStripSocket, wallNow } from "./stores";
import { ANCHOR_EVERY_S, CALM_MS, useFilm } from "./useFilm";
import { usePointer } from "./usePointer";

/** A span that was chosen and has aired meanwhile is let go within so long. */
const GONE_MS = 500;

export function Conveyor({ channel }: { channel: ChannelStatus }) {
  const text = useText();
  const film = useRef<HTMLDivElement>(null);
  const { delay_s: delay, name } = channel;
  useStripSocket(name, delay);
  useConsole((state) => state.receivedAt); // places are looked at anew with each state
  const pageOffset = useConsole((state) => state.clockOffsetMs);
  const offset = useStrip((strip) => Math.round((strip.offsetMs ?? pageOffset) / CALM_MS) * CALM_MS);
  const now = wallNow();
  const anchor = Math.floor(now / ANCHOR_EVERY_S) * ANCHOR_EVERY_S;
  useFilm(film, anchor, delay, offset);
  useEffect(() => {
    const timer = window.setInterval(() => act({ type: "time", window: { now: wallNow(), delayS: delay } }), GONE_MS);
    return () => window.clearInterval(timer);
  }, [delay]);
  const places = placesOf(anchor, delay);
  const { hover, ...pointer } = usePointer(channel);
  const received = receivedOf(channel);
  const cut = channel.spans.some((span) => span.ends_in_s === null);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys do all that the pointer does
    <section className={classes.belt} aria-label={text.belt.title} data-testid="conveyor" onMouseDown={keepFocus} {...pointer}>
      <div className={classes.scale}>
        <span className={classes.in}>{text.belt.incoming}</span>
        {scaleOf(delay).map((seconds, index) => (
          <span key={seconds} style={{ left: `${(1 - seconds / delay) * 100}%` }}>
            {index === 0 ? text.belt.toAir(seconds) : `${seconds} s`}
          </span>
        ))}
        <span className={classes.air}>{text.belt.air}</span>
      </div>
      <div className={classes.track}>
        <div className={classes.film} ref={film} data-testid="film">
          {received !== null && <ReceivedPart places={places} channel={channel} now={now} />}
          <Stills channel={channel} places={places} />
          <Sound places={places} delay={delay} />
          <AirTimes places={places} now={now} delay={delay} />
          <Comments channel={name} places={places} delay={delay} />
          <Spans channel={channel} places={places} now={now} />
          <Happened channel={channel} places={places} now={now} />
          <Choice channel={channel} places={places} />
        </div>
        {cut && <div className={classes.over}>{text.belt.cutOpen}</div>}
        {received === null && !cut && (
          <div className={classes.over} data-dim>
            {text.belt.nothing}
          </div>
        )}
        <HoverCard channel={channel} hover={hover} />
      </div>
      <i className={classes.edge} />
      <i className={classes.edge} />
    </section>
  );
}

/** The next key is one of the desk's. */
function keepFocus(event: MouseEvent): void {
  event.preventDefault();
}

const BEYOND_S = 5; // what still comes in reaches past the left edge, so that its end never shows

/** The part of the delay that holds received feed: the ground on which pictures lie. */
function ReceivedPart({ places, channel, now }: { places: Places; channel: ChannelStatus; now: number }) {
  const received = receivedOf(channel);
  if (received === null) return null;
  const { delay_s: delay } = channel;
  const to = now + received.toS - delay + (received.arriving ? BEYOND_S : 0);
  return <div className={classes.received} style={places.span(now + received.fromS - delay, to)} />;
}
