import { Button } from "@mantine/core";
import { useState } from "react";
import { useChange, useChannels, useMay } from "../api/channels";
import { dataOf, http } from "../api/http";
import type { StreamKey } from "../api/types";
import { useText } from "../i18n";
import { CopyButton, NotInForce, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import classes from "./Channels.module.css";

interface Props {
  channel: string;
  /** A key that was made a moment ago; null: it is a secret of the encoder's. */
  made: StreamKey | null;
  onKey: (key: StreamKey | null) => void;
}

/** How an encoder publishes to the channel: server, key (shown once), settings, QR code. */
export function EncoderPart({ channel, made, onKey }: Props) {
  const text = useText();
  const servers = useChannels().data;
  const rtmp = servers?.rtmp_server ?? "";
  return (
    <div className={classes.two}>
      <section className={page.card}>
        <h2>{text.channels.parts.encoder}</h2>
        {rtmp === "" ? (
          <p className={page.warn}>{text.channels.noServer}</p>
        ) : (
          <Address label={text.channels.server} value={rtmp} />
        )}
        {servers?.rtmps_server && <Address label={text.channels.serverTls} value={servers.rtmps_server} />}
        {isLoopback(rtmp) && <p className={page.warn}>{text.channels.loopback}</p>}
        <h2 style={{ marginTop: 12 }}>{text.channels.key}</h2>
        {made === null ? <NoKey channel={channel} onKey={onKey} /> : <Key made={made} onClose={() => onKey(null)} />}
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

function Address({ label, value }: { label: string; value: string }) {
  return (
    <div className={classes.address}>
      <span>{label}</span>
      <span className={page.mono} data-testid={`address-${label}`}>
        {value}
      </span>
      <CopyButton value={value} label={label} />
    </div>
  );
}

/** A new key ends the encoder that uses the old one, and cannot be undone: it takes a second press. */
function NoKey({ channel, onKey }: { channel: string; onKey: (key: StreamKey) => void }) {
  const text = useText();
  const may = useMay("channel:settings", channel);
  const [sure, ask] = useState(false);
  const rotating = useChange(() =>
    dataOf(http.POST("/api/v1/channels/{channel}/key", { params: { path: { channel } } })),
  );
  return (
    <>
      <p className={page.hint}>{text.channels.keyHidden}</p>
      {may && !sure && (
        <Button size="xs" variant="default" onClick={() => ask(true)}>
          {text.channels.rotate}
        </Button>
      )}
      {sure && (
        <>
          <p className={page.warn}>{text.channels.rotateHint}</p>
          <div className={page.row}>
            <Button
              size="xs"
              color="orange"
              loading={rotating.isPending}
              onClick={() => rotating.mutate(undefined, { onSuccess: onKey })}
            >
              {text.channels.rotateSure(channel)}
            </Button>
            <Button size="xs" variant="default" onClick={() => ask(false)}>
              {text.shared.cancel}
            </Button>
          </div>
        </>
      )}
      <ProblemLine error={rotating.error} />
    </>
  );
}

function Key({ made, onClose }: { made: StreamKey; onClose: () => void }) {
  const text = useText();
  return (
    <div className={classes.once} data-testid="key">
      <div>
        <output className={page.warn}>
          {text.channels.keyOnce}
        </output>
        <Address label={text.channels.key} value={made.stream_key} />
        <p className={page.dim}>{text.channels.qrHint}</p>
        <NotInForce problem={made.not_in_force} />
        <Button size="xs" variant="default" onClick={onClose}>
          {text.channels.keyClose}
        </Button>
      </div>
      <img className={classes.qr} src={made.qr} alt={text.channels.qr} />
    </div>
  );
}
