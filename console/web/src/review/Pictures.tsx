import { useRef } from "react";
import { useChannel, useConsole } from "../api/store";
import type { ChannelStatus, Feed } from "../api/types";
import { useText } from "../i18n";
import { wantedInput } from "../live/camera";
import { useWordsOver } from "../live/useWordsOver";
import { usePlayer } from "../player/usePlayer";
import { clock } from "../ui/format";
import { useNow } from "../ui/useNow";
import classes from "./Pictures.module.css";

/** PVW and PGM, small and silent: what the comments speak of. */
export function Pictures({ channel: name }: { channel: string }) {
  const text = useText();
  const channel = useChannel(name);
  if (channel === undefined) return null;
  return (
    <section className={classes.pictures} aria-label={text.review.pictures}>
      <Picture feed="pvw" channel={channel} />
      <Picture feed="pgm" channel={channel} />
    </section>
  );
}

function Picture({ feed, channel }: { feed: Feed; channel: ChannelStatus }) {
  const text = useText();
  const video = useRef<HTMLVideoElement>(null);
  const report = usePlayer(video, channel.name, feed, true);
  const offset = useConsole((state) => state.clockOffsetMs);
  const now = useNow(500);
  const words = useWordsOver(feed, channel, report);
  const airs = feed === "pgm" ? channel.state !== "stopped" : wantedInput(channel).connected;
  const ageS = feed === "pgm" ? (channel.lead_s ?? 0) : 0;
  const hasTime = words === null && (feed === "pvw" || (channel.state === "live" && channel.lead_s !== null));
  return (
    <figure className={classes.picture} data-feed={feed} data-player={report.state} data-on={airs}>
      <div className={classes.screen} data-stale={words !== null}>
        <video ref={video} muted playsInline autoPlay disablePictureInPicture tabIndex={-1} />
        {words !== null && <span>{words[0]}</span>}
      </div>
      <figcaption>
        {text[feed].name} {text[feed].tag} {hasTime && <time>{clock(now + offset - ageS * 1_000)}</time>}
      </figcaption>
    </figure>
  );
}
