import { useConsole } from "../api/store";
import type { ChannelStatus, DestinationStatus, IngestStatus } from "../api/types";
import { say, type Strings, useLanguage, useText } from "../i18n";
import { bitrate, codec, duration, frameRate } from "../ui/format";
import { useNow } from "../ui/useNow";
import card from "./Card.module.css";
import { destinationColour } from "./colours";
import { awaySince } from "./camera";
import { Lamp } from "./Lamp";

const SLOW_KEYFRAMES_S = 10; // as the ingest warns of

/** What comes in and where it goes. */
export function FeedCard({ channel }: { channel: ChannelStatus }) {
  const text = useText();
  return (
    <div className={`${card.card} ${card.scroll}`}>
      <h2 className={card.title}>{text.feed.title}</h2>
      {channel.ingest.connected ? <Ingest ingest={channel.ingest} /> : <NoIngest ingest={channel.ingest} />}
      {channel.standby !== null && <Standby standby={channel.standby} wanted={channel.camera === "standby"} />}
      <h2 className={card.title}>{text.destinations.title}</h2>
      {channel.destinations.length === 0 && <div className={card.note}>{text.destinations.none}</div>}
      {channel.destinations.map((destination) => (
        <Destination key={destination.name} destination={destination} />
      ))}
    </div>
  );
}

function Ingest({ ingest }: { ingest: IngestStatus }) {
  const text = useText();
  const every = ingest.keyframe_interval_s;
  const slowKeys = every !== null && every >= SLOW_KEYFRAMES_S;
  const from = [ingest.encoder, ingest.peer].filter((part) => part !== "").join(" · ");
  return (
    <>
      <div className={card.row}>
        <Lamp colour={ingest.video_codec === "" ? "amber" : "green"} />
        <span>{picture(ingest, text)}</span>
        <span className={card.value}>{bitrate(ingest.bitrate_bps)}</span>
      </div>
      <div className={card.row}>
        <Lamp colour={ingest.audio_codec === "" || slowKeys ? "amber" : "green"} />
        <span>{sound(ingest, text)}</span>
        <span className={card.value} data-warn={slowKeys} title={text.feed.keyframes}>
          {text.feed.keyframesShort} {every === null ? "–" : `${every.toFixed(1)} s`}
        </span>
      </div>
      {from !== "" && (
        <div className={`${card.row} ${card.roomy}`} title={from}>
          <Lamp colour="green" />
          <span>{from}</span>
        </div>
      )}
      {ingest.mended + ingest.dropped > 0 && (
        <div className={card.row}>
          <Lamp colour="off" />
          <span>{text.feed.repaired}</span>
          <span className={card.value}>
            {ingest.mended} / {ingest.dropped}
          </span>
        </div>
      )}
    </>
  );
}

function NoIngest({ ingest }: { ingest: IngestStatus }) {
  const text = useText();
  const receivedAt = useConsole((state) => state.receivedAt);
  const now = useNow(500);
  const age = Math.max(0, now - receivedAt) / 1000;
  return (
    <div className={card.row}>
      <Lamp colour="amber" />
      <span>{text.feed.noEncoder}</span>
      {ingest.since_s !== null && (
        <span className={card.value}>{text.feed.lostFor(duration(ingest.since_s + age))}</span>
      )}
    </div>
  );
}

/** Whether the standby camera is there; without it the lamp is lit only when it is wanted. */
function Standby({ standby, wanted }: { standby: IngestStatus; wanted: boolean }) {
  const text = useText();
  const at = useConsole((state) => state.receivedAt + state.clockOffsetMs);
  const { connected, video_codec } = standby;
  const airable = connected && video_codec !== "";
  return (
    <div className={card.row} data-testid="standby" data-connected={connected}>
      <Lamp colour={airable ? "green" : connected || wanted ? "amber" : "off"} />
      <span>
        {text.multi.standby} · {connected ? picture(standby, text) : text.multi.standbyAway}
      </span>
      <span className={card.value}>{connected ? bitrate(standby.bitrate_bps) : awaySince(standby, at, text)}</span>
    </div>
  );
}

function picture({ video_codec, width, height, fps }: IngestStatus, text: Strings): string {
  return video_codec === "" ? text.feed.noVideo : `${width}×${height} ${frameRate(fps)} ${codec(video_codec)}`;
}

function sound(ingest: IngestStatus, text: Strings): string {
  if (ingest.audio_codec === "") return text.feed.noAudio;
  const { channels } = ingest;
  const layout = channels === 1 ? text.feed.mono : channels === 2 ? text.feed.stereo : text.feed.channels(channels);
  return `${codec(ingest.audio_codec)} ${ingest.sample_rate / 1000} kHz ${layout}`;
}

function Destination({ destination }: { destination: DestinationStatus }) {
  const text = useText();
  const error = say(useLanguage(), destination.error, destination.error_zh);
  const { name, url, state, retry_in_s, bitrate_bps } = destination;
  const waits = state === "backoff" && retry_in_s !== null;
  return (
    <div className={card.row} title={error === "" ? url : `${url}\n${error}`}>
      <Lamp colour={destinationColour[state]} />
      <span>
        {name} · {waits ? text.destinations.backoffIn(retry_in_s.toFixed(0)) : text.destinations[state]}
      </span>
      {(state === "live" || state === "behind") && <span className={card.value}>{bitrate(bitrate_bps)}</span>}
    </div>
  );
}
