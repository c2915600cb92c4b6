/** What lies on the film: pictures, sound, the time of airing, the span under the hand. */
import { memo } from "react";
import type { ChannelStatus } from "../../api/types";
import { useText } from "../../i18n";
import { clock } from "../../ui/format";
import { wantedInput } from "../camera";
import { marksOf } from "../beltMath";
import { cellsOf, CHUNK_S, chunksOf } from "./cells";
import classes from "./Conveyor.module.css";
import type { Places } from "./places";
import { useHand, useStrip, wallNow } from "./stores";
import { snap } from "./track";

/** So many pictures at most stand side by side. */
const MOST_CELLS = 24;
const USUAL_KEYFRAME_S = 2;

export function stillAddress(channel: string, number: number, large = false): string {
  return `/api/v1/channels/${encodeURIComponent(channel)}/stills/${number}${large ? "?large=true" : ""}`;
}

export function Stills({ channel, places }: { channel: ChannelStatus; places: Places }) {
  const stills = useStrip((strip) => strip.stills);
  const expected = wantedInput(channel).keyframe_interval_s ?? USUAL_KEYFRAME_S;
  return cellsOf(stills, channel.delay_s / MOST_CELLS, expected).map(({ number, from, to }) => (
    <div
      key={number}
      className={classes.still}
      data-still={number}
      style={{ ...places.span(from, to), backgroundImage: `url("${stillAddress(channel.name, number)}")` }}
    />
  ));
}

export function Sound({ places, delay }: { places: Places; delay: number }) {
  const levels = useStrip((strip) => strip.levels);
  const now = wallNow();
  return chunksOf(levels, now - delay, now + 1).map(({ from, path }) => (
    <Wave key={from} path={path} {...places.span(from, from + CHUNK_S)} />
  ));
}

const Wave = memo(function Wave({ path, left, width }: { path: string; left: string; width: string }) {
  if (path === "") return null;
  return (
    <svg className={classes.wave} style={{ left, width }} viewBox={`0 0 ${CHUNK_S * 10} 100`} preserveAspectRatio="none" aria-hidden>
      <path d={path} />
    </svg>
  );
});

/** The clock time at which each part airs. */
export function AirTimes({ places, now, delay }: { places: Places; now: number; delay: number }) {
  // Round times of airing, one delay after those of arrival.
  return marksOf(now + delay, delay).map((airsAt) => (
    <span key={airsAt} className={classes.mark} style={places.point(airsAt - delay)}>
      {clock(airsAt * 1_000)}
    </span>
  ));
}

/** The span that is being chosen, and behind it what the gate makes of it. */
export function Choice({ channel, places }: { channel: ChannelStatus; places: Places }) {
  const text = useText();
  const chosen = useHand((hand) => hand.chosen);
  const review = useHand((hand) => hand.review);
  if (chosen === null) return null;
  const now = wallNow();
  const snapped = snap(chosen, channel.keyframes_at, now);
  return (
    <>
      <div
        className={classes.snapped}
        data-testid="snapped"
        data-from={snapped.from.toFixed(3)}
        data-to={snapped.to.toFixed(3)}
        data-open={snapped.openEnd}
        style={places.span(snapped.from, snapped.to)}
      />
      <div
        className={classes.chosen}
        data-testid="chosen"
        data-edge={chosen.edge}
        data-review={review !== null}
        style={places.span(chosen.from, chosen.to)}
      >
        <i className={classes.handle} data-handle="to" title={text.conveyor.end} />
        <span>{text.conveyor.seconds(chosen.to - chosen.from)}</span>
        <i className={classes.handle} data-handle="from" title={text.conveyor.beginning} />
      </div>
    </>
  );
}
