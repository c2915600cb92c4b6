/** The review player: what came in and has not aired, frame by frame, beside PVW and PGM, which play on. */
import { Kbd, UnstyledButton } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { hasKey } from "../../api/press";
import { useConsole } from "../../api/store";
import type { ChannelStatus } from "../../api/types";
import { useText } from "../../i18n";
import { clock } from "../../ui/format";
import { useNow } from "../../ui/useNow";
import { BoxLayer } from "./BoxLayer";
import classes from "./Review.module.css";
import { ReviewReel, type ReviewState } from "./reviewReel";
import { act, useHand, wallNow } from "./stores";
import { airsIn } from "./track";

/** The player that is open: keys and marks go by the moment that it shows. */
let current: ReviewReel | null = null;
export function reviewed(): ReviewReel | null {
  return current;
}

export function ReviewPlayer({ channel }: { channel: ChannelStatus }) {
  const text = useText();
  const words = text.conveyor;
  const wanted = useHand((hand) => hand.review);
  const chosen = useHand((hand) => hand.chosen);
  const video = useRef<HTMLVideoElement>(null);
  const boxing = useHand((hand) => hand.boxing);
  const [{ state, at }, setView] = useState<{ state: ReviewState; at: number | null }>({ state: "loading", at: null });
  const mayRedact = useConsole(({ rights }) => hasKey(rights, channel.name, "redact"));
  useNow(250); // the time to air runs
  const { name, delay_s: delay } = channel;
  useEffect(() => {
    if (video.current === null) return undefined;
    const reel = new ReviewReel(video.current, name, (newState, moment) =>
      setView((before) => (before.state === newState && before.at === moment ? before : { state: newState, at: moment })),
    );
    current = reel;
    return () => {
      reel.close();
      if (current === reel) current = null;
    };
  }, [name]);
  useEffect(() => {
    if (wanted !== null) void current?.show(wanted.at, wallNow() - delay);
  }, [wanted, delay]);
  const moment = at ?? wanted?.at ?? null;
  const left = moment === null ? 0 : airsIn({ now: wallNow(), delayS: delay }, moment);
  return (
    <section className={classes.review} data-testid="review" data-state={state} data-at={at?.toFixed(3)} aria-label={words.review}>
      <video ref={video} muted playsInline preload="auto" disablePictureInPicture tabIndex={-1} />
      {mayRedact && <BoxLayer channel={channel} video={video} moment={moment} />}
      {state !== "ready" && <div className={classes.words}>{words.states[state]}</div>}
      <div className={classes.tag}>
        <b>{words.review}</b>
        <em>{left > 0 ? text.belt.toAir(Math.ceil(left)) : words.aired}</em>
      </div>
      {moment !== null && (
        <time className={classes.time}>
          {clock(moment * 1_000)}.{String(Math.floor((moment % 1) * 10))}
        </time>
      )}
      <div className={classes.foot}>
        <Hint keys="I" label={words.in} onPress={() => mark("from", channel)} on={chosen?.edge === "from"} />
        <Hint keys="O" label={words.out} onPress={() => mark("to", channel)} on={chosen?.edge === "to"} />
        <Hint keys="," label={words.frameBack} onPress={() => void current?.step(-1)} />
        <Hint keys="." label={words.frameOn} onPress={() => void current?.step(1)} />
        {mayRedact && <Hint keys="A" label={words.area} onPress={() => act({ type: "boxKey" })} on={boxing} />}
        <Hint keys="K" label={words.play} onPress={() => current?.toggle()} />
        <Hint keys="Esc" label={words.close} onPress={() => act({ type: "review", at: null })} />
      </div>
    </section>
  );
}

/** Sets an end of the span to what the player shows, or is to show; without a player, to what comes in now. */
export function mark(edge: "from" | "to", channel: ChannelStatus): void {
  const now = wallNow();
  const at = current?.at ?? useHand.getState().review?.at ?? now;
  act({ type: "mark", edge, at, window: { now, delayS: channel.delay_s } });
}

function Hint({ keys, label, onPress, on = false }: { keys: string; label: string; onPress: () => void; on?: boolean }) {
  return (
    <UnstyledButton className={classes.hint} data-on={on} title={label} aria-keyshortcuts={keys} onMouseDown={(event) => event.preventDefault()} onClick={onPress}>
      <Kbd size="xs">{keys}</Kbd>
      <span>{label}</span>
    </UnstyledButton>
  );
}
