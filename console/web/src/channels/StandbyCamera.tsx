import { Button } from "@mantine/core";
import { useChange, useMay } from "../api/channels";
import { dataOf, http } from "../api/http";
import { useChannel, useConsole } from "../api/store";
import type { ChannelSettings, StreamKey } from "../api/types";
import { useText } from "../i18n";
import { awaySince } from "../live/camera";
import { AskOnce } from "../ui/AskOnce";
import { ProblemLine, type Undoable } from "../ui/Page";
import page from "../ui/Page.module.css";
import { Key } from "./Key";

interface Props {
  channel: ChannelSettings;
  made: StreamKey | undefined;
  onKey: (key: StreamKey | null) => void;
  onRemoved: (removed: Undoable) => void;
}

/** The second encoder of a channel: its key, whether it is there, the way out. */
export function StandbyCamera({ channel, made, onKey, onRemoved }: Props) {
  const text = useText();
  const { name, standby } = channel;
  const words = text.channels.standby;
  const params = { params: { path: { channel: name } } };
  const may = useMay("channel:settings", name);
  const rotating = useChange(() => dataOf(http.POST("/api/v1/channels/{channel}/standby/key", params)));
  const removing = useChange(() => dataOf(http.DELETE("/api/v1/channels/{channel}/standby", params)));
  const rotate = () => rotating.mutate(undefined, { onSuccess: onKey });
  const remove = () =>
    removing.mutate(undefined, {
      onSuccess: ({ undo }) => {
        onKey(null);
        onRemoved({ undo, what: words.removed(name) });
      },
    });
  return (
    <div data-testid="standby-camera">
      <h2 style={{ marginTop: 12 }}>{words.title}</h2>
      <p className={page.hint}>{words.hint(`${name}-standby`)}</p>
      {standby ? <Presence channel={name} /> : <p className={page.dim}>{words.none}</p>}
      {made !== undefined && <Key label={words.key} made={made} onClose={() => onKey(null)} />}
      {may && !standby && (
        <Button size="xs" variant="default" loading={rotating.isPending} onClick={rotate}>
          {words.make}
        </Button>
      )}
      {may && standby && made === undefined && (
        <AskOnce
          label={text.channels.rotate}
          name={words.rotateName}
          warning={text.channels.rotateHint}
          sure={words.rotateSure(name)}
          pending={rotating.isPending}
          error={rotating.error}
          onSure={rotate}
        />
      )}
      {may && standby && (
        <div className={page.row} style={{ marginTop: 8 }}>
          <Button size="xs" variant="default" loading={removing.isPending} onClick={remove}>
            {words.remove}
          </Button>
          <span className={page.dim}>{words.removeHint}</span>
        </div>
      )}
      <ProblemLine error={removing.error ?? (standby ? null : rotating.error)} />
    </div>
  );
}

function Presence({ channel }: { channel: string }) {
  const text = useText();
  const standby = useChannel(channel)?.standby;
  const at = useConsole((state) => state.receivedAt + state.clockOffsetMs);
  if (standby === undefined || standby === null) return null;
  const words = text.channels.standby;
  const from = [standby.encoder, standby.peer].filter((part) => part !== "").join(" · ");
  return <p className={page.dim}>{standby.connected ? words.here(from) : words.away(awaySince(standby, at, text))}</p>;
}
