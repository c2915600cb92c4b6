import { useEffect, useRef } from "react";
import { say, useLanguage, useText } from "../i18n";
import { person } from "../ui/format";
import { airingAt, kindOfAiring } from "./airing";
import classes from "./Pictures.module.css";
import { clockOf } from "./days";
import type { ReelView } from "./reel";
import { useDeck } from "./useDeck";
import type { Room } from "./useRoom";

/** What came in, and the same as it aired. */
export function Pictures({ room }: { room: Room }) {
  const words = useText().recordings;
  const { deck } = room;
  const received = useRef<HTMLVideoElement>(null);
  const aired = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (received.current === null || aired.current === null) return undefined;
    return deck.attach(received.current, aired.current);
  }, [deck]);
  return (
    <div className={classes.pictures}>
      <figure className={classes.picture} data-testid="received">
        {/* oxlint-disable-next-line jsx-a11y/media-has-caption -- captions are burnt into the picture where there are any */}
        <video ref={received} playsInline aria-label={words.received} tabIndex={-1} />
        <figcaption className={classes.label} data-tone="received">
          {words.received}
        </figcaption>
        <Blank view={useDeck(deck, (state) => state.received)} />
        <Clock room={room} of="at" />
      </figure>
      <figure className={classes.picture} data-testid="aired">
        <video ref={aired} playsInline muted aria-label={words.aired} tabIndex={-1} />
        <OnAir room={room} />
        <Blank view={useDeck(deck, (state) => state.aired)} />
        <Clock room={room} of="airedAt" />
      </figure>
    </div>
  );
}

function Clock({ room, of }: { room: Room; of: "at" | "airedAt" }) {
  const text = useDeck(room.deck, (state) => (state[of] === null ? "" : clockOf(state[of], 2)));
  return text === "" ? null : <time className={classes.clock}>{text}</time>;
}

/** What was on air at that moment: the edit list says it, whether it can be played or not. */
function OnAir({ room }: { room: Room }) {
  const words = useText().recordings;
  const aired = room.line?.aired ?? [];
  const place = useDeck(room.deck, ({ airedAt }) => {
    const found = airedAt === null ? null : airingAt(aired, airedAt);
    return found === null ? -1 : aired.indexOf(found);
  });
  const one = aired[place];
  const plays = useDeck(room.deck, (state) => state.aired.state === "ready"); // what aired is told some seconds later
  const kind = one === undefined ? "none" : kindOfAiring(one);
  const why = one === undefined || kind !== "filler" ? "" : (words.whys[one.why as keyof typeof words.whys] ?? one.why);
  const who = one === undefined || one.actor === "" ? "" : words.by(person(one.actor));
  return (
    <figcaption className={classes.label} data-tone={kind} data-testid="on-air">
      {words.aired}
      {kind === "none" && plays ? "" : ` · ${words.onAir[kind]}`}
      {why === "" ? "" : `: ${why}`}
      {kind === "backup" && one !== undefined ? ` ${one.filler}` : ""}
      {who}
    </figcaption>
  );
}

function Blank({ view }: { view: ReelView }) {
  const words = useText().recordings.pictures;
  const language = useLanguage();
  if (view.state === "ready") return null;
  const { problem } = view;
  return (
    <output className={classes.blank} data-state={view.state}>
      <span>{words[view.state]}</span>
      {view.state === "failed" && problem !== null && <small>{say(language, problem.error, problem.error_zh)}</small>}
    </output>
  );
}
