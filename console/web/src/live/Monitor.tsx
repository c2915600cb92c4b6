/** One picture with its sound: PVW (what comes in now) or PGM (what airs). */
import { Kbd, UnstyledButton } from "@mantine/core";
import { useRef } from "react";
import { useConsole } from "../api/store";
import type { ChannelStatus, Feed } from "../api/types";
import { useText } from "../i18n";
import { keysOf } from "../keys/keymap";
import { useKeymap } from "../keys/useKeys";
import { usePlayer } from "../player/usePlayer";
import { clock } from "../ui/format";
import { useNow } from "../ui/useNow";
import { wantedInput } from "./camera";
import { fillerName, STANDBY } from "./filler";
import { Meter } from "./Meter";
import classes from "./Monitor.module.css";
import { useWordsOver } from "./useWordsOver";

interface MonitorProps {
  feed: Feed;
  channel: ChannelStatus;
  heard: Feed | null;
  onHear: (feed: Feed | null) => void;
}

export function Monitor({ feed, channel, heard, onHear }: MonitorProps) {
  const video = useRef<HTMLVideoElement>(null);
  const report = usePlayer(video, channel.name, feed);
  const text = useText();
  const words = useWordsOver(feed, channel, report);
  const border = feed === "pvw" ? wantedInput(channel).connected && "green" : channel.state !== "stopped" && "red";
  return (
    <div
      className={classes.monitor}
      data-border={border}
      data-stale={words !== null}
      data-feed={feed}
      data-player={report.state}
    >
      <video ref={video} muted playsInline autoPlay disablePictureInPicture tabIndex={-1} />
      {words !== null && (
        <div className={classes.words}>
          {words[0]}
          {words[1] !== undefined && <small>{words[1]}</small>}
        </div>
      )}
      <Tag feed={feed} channel={channel} />
      <div className={classes.foot}>
        <Ear on={heard === feed} name={text[feed].tag} onToggle={() => onHear(heard === feed ? null : feed)} />
        <span className={classes.lag} title={text.lagTitle}>
          {report.lag !== null && words === null && `${report.lag.toFixed(2)} / ${report.target.toFixed(1)} s`}
        </span>
      </div>
      <PictureTime feed={feed} channel={channel} shown={words === null} />
      <Meter feed={feed} />
    </div>
  );
}

function Tag({ feed, channel }: { feed: Feed; channel: ChannelStatus }) {
  const text = useText();
  if (feed === "pvw") {
    return (
      <div className={classes.tag}>
        <b data-colour="green">
          {text.pvw.name} {text.pvw.tag}
        </b>
        <em>{channel.camera === "standby" ? text.pvw.standby : text.pvw.sub}</em>
      </div>
    );
  }
  const live = channel.destinations.filter(({ state }) => state === "live").length;
  const airs =
    channel.state === "stopped"
      ? text.pgm.off
      : channel.state === "live"
        ? text.platforms(live, channel.destinations.length)
        : channel.filler === STANDBY
          ? text.multi.standby
          : text.filler(fillerName(channel.filler, text));
  return (
    <div className={classes.tag}>
      <b data-colour="red">
        {text.pgm.name} {text.pgm.tag}
      </b>
      <em>{airs}</em>
    </div>
  );
}

/** When the picture shown came in, by the server's clock. */
function PictureTime({ feed, channel, shown }: { feed: Feed; channel: ChannelStatus; shown: boolean }) {
  const offset = useConsole((state) => state.clockOffsetMs);
  const now = useNow(200);
  if (!shown || (feed === "pgm" && (channel.state !== "live" || channel.lead_s === null))) return null;
  const age = feed === "pgm" ? (channel.lead_s ?? 0) : 0;
  return <time className={classes.time}>{clock(now + offset - age * 1000)}</time>;
}

function Ear({ on, name, onToggle }: { on: boolean; name: string; onToggle: () => void }) {
  const text = useText();
  const [letter] = keysOf(useKeymap(), "sound");
  return (
    <UnstyledButton
      className={classes.ear}
      aria-pressed={on}
      aria-label={`${name}: ${on ? text.sound.on : text.sound.off}`}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onToggle}
    >
      <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden>
        <path d="M4 9v6h4l5 4V5L8 9z" fill="currentColor" />
        {on ? <path d="M16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11" /> : <path d="M16 9.5l5 5M21 9.5l-5 5" />}
      </svg>
      {letter !== undefined && <Kbd size="xs">{letter}</Kbd>}
    </UnstyledButton>
  );
}
