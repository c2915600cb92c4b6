import { useChange, useChannels, useMay } from "../api/channels";
import { dataOf, http } from "../api/http";
import type { ChannelSettings, StreamKey } from "../api/types";
import { useText } from "../i18n";
import { AskOnce } from "../ui/AskOnce";
import { CopyLine } from "../ui/Once";
import type { Undoable } from "../ui/Page";
import page from "../ui/Page.module.css";
import classes from "./Channels.module.css";
import { Key } from "./Key";
import { StandbyCamera } from "./StandbyCamera";

interface Props {
  channel: ChannelSettings;
  /** Keys that were made a moment ago; without one it is a secret of the encoder's. */
  made: StreamKey[];
  onKey: (camera: StreamKey["camera"], key: StreamKey | null) => void;
  onRemoved: (removed: Undoable) => void;
}

/** How an encoder publishes to the channel: server, key (shown once), settings, QR code. */
export function EncoderPart({ channel, made, onKey, onRemoved }: Props) {
  const text = useText();
  const servers = useChannels().data;
  const rtmp = servers?.rtmp_server ?? "";
  const main = made.find(({ camera }) => camera === "main");
  return (
    <div className={classes.two}>
      <section className={page.card}>
        <h2>{text.channels.parts.encoder}</h2>
        {rtmp === "" ? (
          <p className={page.warn}>{text.channels.noServer}</p>
        ) : (
          <CopyLine label={text.channels.server} value={rtmp} />
        )}
        {servers?.rtmps_server && <CopyLine label={text.channels.serverTls} value={servers.rtmps_server} />}
        {isLoopback(rtmp) && <p className={page.warn}>{text.channels.loopback}</p>}
        <h2 style={{ marginTop: 12 }}>{text.channels.key}</h2>
        {main === undefined ? (
          <NoKey channel={channel.name} onKey={(key) => onKey("main", key)} />
        ) : (
          <Key label={text.channels.key} made={main} onClose={() => onKey("main", null)} />
        )}
        <StandbyCamera
          channel={channel}
          made={made.find(({ camera }) => camera === "standby")}
          onKey={(key) => onKey("standby", key)}
          onRemoved={onRemoved}
        />
      </section>
      <section className={page.card}>
        <h2>{text.channels.obsTitle}</h2>
        <dl className={classes.facts}>
          {text.channels.obs.map(([name, value]) => (
            <Fact key={name} name={name} value={value} />
          ))}
        </dl>
      </section>
    </div>
  );
}

function isLoopback(server: string): boolean {
  return /^rtmp:\/\/(127\.|localhost[:/]|\[::1\])/.test(server);
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

/** A new key ends the encoder that uses the old one, and cannot be undone: it takes a second press. */
function NoKey({ channel, onKey }: { channel: string; onKey: (key: StreamKey) => void }) {
  const text = useText();
  const may = useMay("channel:settings", channel);
  const rotating = useChange(() =>
    dataOf(http.POST("/api/v1/channels/{channel}/key", { params: { path: { channel } } })),
  );
  return (
    <>
      <p className={page.hint}>{text.channels.keyHidden}</p>
      {may && (
        <AskOnce
          label={text.channels.rotate}
          warning={text.channels.rotateHint}
          sure={text.channels.rotateSure(channel)}
          pending={rotating.isPending}
          error={rotating.error}
          onSure={() => rotating.mutate(undefined, { onSuccess: onKey })}
        />
      )}
    </>
  );
}
