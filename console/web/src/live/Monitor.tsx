/** One picture with its sound: PVW (what comes in now) or PGM (what airs). */
import { Kbd, UnstyledButton } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useConsole } from "../api/store";
import type { ChannelStatus, Feed } from "../api/types";
import { type Strings, useText } from "../i18n";
import { desk } from "../player/audio";
import { MsePlayer, type PlayerReport } from "../player/mse";
import { clock } from "../ui/format";
import { useNow } from "../ui/useNow";
import { fillerName } from "./filler";
import { Meter } from "./Meter";
import classes from "./Monitor.module.css";

interface MonitorProps {
  feed: Feed;
  channel: ChannelStatus;
  heard: Feed | null;
  onHear: (feed: Feed | null) => void;
}

const FIRST: PlayerReport = { state: "connecting", lag: null, target: 0 };

export function Monitor({ feed, channel, heard, onHear }: MonitorProps) {
  const video = useRef<HTMLVideoElement>(null);
  const report = usePlayer(video, channel.name, feed);
  const ingestUp = useConsole((state) => state.ingestUp);
  const text = useText();
  const words = wordsOver(feed, channel, report, ingestUp, text);
  const border = feed === "pvw" ? channel.ingest.connected && "green" : channel.state !== "stopped" && "red";
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

function usePlayer(video: React.RefObject<HTMLVideoElement | null>, name: string, feed: Feed): PlayerReport {
  const [report, setReport] = useState(FIRST);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    const removeSound = desk.add(feed, element);
    const player = new MsePlayer(element, name, feed, (latest) =>
      setReport((before) => (sameToTheEye(before, latest) ? before : latest)),
    );
    return () => {
      player.close();
      removeSound();
    };
  }, [video, name, feed]);
  return report;
}

/** The lag is read once in a while, not followed: it is renewed when it has moved by more than a twentieth of a second. */
function sameToTheEye(a: PlayerReport, b: PlayerReport): boolean {
  if (a.state !== b.state || a.target !== b.target || (a.lag === null) !== (b.lag === null)) return false;
  return Math.abs((a.lag ?? 0) - (b.lag ?? 0)) < 0.05;
}

/** What stands over the picture when it is not what it seems; null when it is. */
function wordsOver(
  feed: Feed,
  channel: ChannelStatus,
  report: PlayerReport,
  ingestUp: boolean,
  text: Strings,
): [string, string?] | null {
  if (report.state === "unsupported") return [text.picture.unsupported];
  if (report.state === "offline") return [text.picture.offline];
  if (feed === "pgm" && channel.state === "stopped") return [text.picture.stopped];
  if (feed === "pvw" && !ingestUp) return [text.picture.noInput, text.picture.ingestDown];
  if (feed === "pvw" && !channel.ingest.connected) return [text.picture.noInput, text.picture.noInputHint];
  switch (report.state) {
    case "connecting":
      return [text.picture.connecting];
    case "waiting":
      return [text.picture.waiting];
    case "stalled":
      return [text.picture.stalled];
    case "playing":
      return null;
  }
}

function Tag({ feed, channel }: { feed: Feed; channel: ChannelStatus }) {
  const text = useText();
  if (feed === "pvw") {
    return (
      <div className={classes.tag}>
        <b data-colour="green">
          {text.pvw.name} {text.pvw.tag}
        </b>
        <em>{text.pvw.sub}</em>
      </div>
    );
  }
  const live = channel.destinations.filter(({ state }) => state === "live").length;
  const airs =
    channel.state === "stopped"
      ? text.pgm.off
      : channel.state === "live"
        ? text.platforms(live, channel.destinations.length)
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
      <Kbd size="xs">S</Kbd>
    </UnstyledButton>
  );
}
