import { useEffect, useRef, useState } from "react";
import { useConsole } from "../api/store";
import type { ChannelState, ChannelStatus, CutStatus } from "../api/types";
import { type Strings, useText } from "../i18n";
import { duration } from "../ui/format";
import { byWhom } from "../ui/people";
import { useNow } from "../ui/useNow";
import card from "./Card.module.css";
import { stateColour } from "./colours";
import { fillerName } from "./filler";
import { Key } from "./Key";
import classes from "./StateCard.module.css";
import type { Deck } from "./useDeck";

export function StateCard({ channel, deck }: { channel: ChannelStatus; deck: Deck }) {
  const text = useText();
  const { word, code } = text.states[channel.state];
  return (
    <div className={`${card.card} ${classes.state}`} data-pulse={useCutPulse(channel.name, channel.state)}>
      <h1 className={classes.word} data-colour={stateColour[channel.state]} data-testid="state" data-state={channel.state}>
        {word}
        {code !== "" && <small>{code}</small>}
      </h1>
      <p className={classes.says}>{says(channel, text)}</p>
      {channel.cut === null ? (
        <p className={classes.onAir}>
          {channel.state !== "stopped" && channel.on_air_s !== null && text.onAir(duration(channel.on_air_s))}
        </p>
      ) : (
        <CutBy cut={channel.cut} />
      )}
      <BigTime channel={channel} />
      <div className={classes.broadcast}>
        <Key cmd="start" label={text.keys.start} channel={channel} deck={deck} title={text.keys.startTitle} small />
        <Key
          cmd="stop"
          label={deck.stopArmed ? text.keys.stopAgain : text.keys.stop}
          channel={channel}
          deck={deck}
          title={text.keys.stopTitle}
          armed={deck.stopArmed}
          small
        />
      </div>
    </div>
  );
}

/** Who cut, when, and why if they said. */
function CutBy({ cut }: { cut: CutStatus }) {
  const text = useText();
  const receivedAt = useConsole((state) => state.receivedAt);
  const now = useNow(500);
  const age = Math.max(0, now - receivedAt) / 1000;
  const ago = cut.since_s === null ? "" : ` ${text.live.ago(duration(cut.since_s + age))}`;
  const said = `${text.live.cutBy(byWhom(cut.actor, text))}${ago}`;
  return (
    <p className={classes.cutBy} title={cut.reason} data-testid="cut-by">
      {cut.reason === "" ? said : text.live.because(said, cut.reason)}
    </p>
  );
}

/** The countdown while the program is about to return by itself; else how far ahead of air the operator sees. */
function BigTime({ channel }: { channel: ChannelStatus }) {
  const text = useText();
  const receivedAt = useConsole((state) => state.receivedAt);
  const now = useNow(100);
  const age = Math.max(0, now - receivedAt) / 1000;
  if (channel.state !== "stopped" && channel.returns_in_s !== null) {
    const left = Math.max(0, channel.returns_in_s - age);
    return <Big seconds={left.toFixed(1)} label={text.returns} />;
  }
  if (channel.state !== "stopped" && channel.lead_s !== null) {
    return <Big seconds={channel.lead_s.toFixed(1)} label={text.lead} />;
  }
  return <Big seconds={channel.delay_s.toFixed(0)} label={text.delay} />;
}

function Big({ seconds, label }: { seconds: string; label: string }) {
  return (
    <div className={classes.big} data-testid="big-time">
      <span>
        {seconds}
        <em>s</em>
      </span>
      <small>{label}</small>
    </div>
  );
}

function says(channel: ChannelStatus, text: Strings): string {
  const filler = fillerName(channel.filler, text);
  switch (channel.state) {
    case "live":
      return text.says.live;
    case "cut":
      return channel.requested === "cut" ? text.says.cut(filler) : text.says.cutReturning(filler);
    case "backup":
      return channel.duty.state === "covered" ? text.says.covered(filler) : text.says.backup(filler);
    case "filling":
      return text.says.filling(filler);
    case "no_input":
      return text.says.no_input(filler);
    case "stopped":
      return text.says.stopped;
  }
}

const PULSE_MS = 2_700;

/** True for a moment after a cut took hold: the eye learns of it without looking for it. */
function useCutPulse(name: string, state: ChannelState): boolean {
  const before = useRef({ name, state });
  const [pulse, setPulse] = useState(false);
  useEffect(() => {
    const { name: oldName, state: oldState } = before.current;
    before.current = { name, state };
    if (oldName !== name || oldState === state || state !== "cut") {
      setPulse(false);
      return undefined;
    }
    setPulse(true);
    const timer = window.setTimeout(() => setPulse(false), PULSE_MS);
    return () => window.clearTimeout(timer);
  }, [name, state]);
  return pulse;
}
