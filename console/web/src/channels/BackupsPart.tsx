import { Button, Progress } from "@mantine/core";
import { useMay } from "../api/channels";
import type { ChannelSettings } from "../api/types";
import { useText } from "../i18n";
import { ProblemLine, type Undoable } from "../ui/Page";
import page from "../ui/Page.module.css";
import { size } from "../ui/people";
import { BackupItem } from "./BackupItem";
import classes from "./Channels.module.css";
import { Rehearsal } from "./Rehearsal";
import type { Upload } from "./uploads";
import { useDrop } from "./useDrop";
import { useUploads } from "./useUploads";

/** A channel's backups: dropped here, looked at, removed, rehearsed. */
export function BackupsPart({
  channel,
  onRemoved,
}: {
  channel: ChannelSettings;
  onRemoved: (removed: Undoable) => void;
}) {
  const text = useText();
  const may = useMay("backup:upload", channel.name);
  const { uploads, add, drop } = useUploads(channel.name);
  return (
    <>
      <section className={page.card}>
        <h2>{text.channels.backups}</h2>
        <p className={page.hint}>{text.channels.backupsHint}</p>
        <ul className={classes.list} data-testid="backups">
          {channel.backups.map((backup) => (
            <BackupItem key={backup.name} channel={channel.name} backup={backup} onRemoved={onRemoved} />
          ))}
          {uploads.map((upload) => (
            <OnItsWay key={upload.id} upload={upload} onDrop={() => drop(upload.id)} />
          ))}
        </ul>
        {channel.backups.length === 0 && uploads.length === 0 && <p className={page.dim}>{text.channels.noBackups}</p>}
        {may && <DropZone onFiles={add} />}
      </section>
      <Rehearsal channel={channel.name} />
    </>
  );
}

/** Files dropped anywhere on the element; the button in it does the same for hands on a keyboard. */
function DropZone({ onFiles }: { onFiles: (files: Iterable<File>) => void }) {
  const text = useText();
  const { ref, over } = useDrop(onFiles);
  return (
    <fieldset className={classes.drop} aria-label={text.channels.dropLabel} data-over={over} ref={ref}>
      <span>{text.channels.drop}</span>
      <label className={classes.pick}>
        {text.channels.choose}
        <input
          type="file"
          multiple
          accept="video/*,image/*,audio/*,.mkv,.flv,.ts"
          onChange={(event) => {
            onFiles([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
      </label>
      <span className={page.dim}>{text.channels.dropHint}</span>
    </fieldset>
  );
}

function OnItsWay({ upload, onDrop }: { upload: Upload; onDrop: () => void }) {
  const text = useText();
  const percent = Math.floor(upload.sent * 100);
  const words = upload.state === "checking" ? text.channels.checking : text.channels.uploading(percent);
  return (
    <li className={classes.item} data-upload={upload.state}>
      <div className={page.row}>
        <span className={`${page.name} ${page.grow}`}>{upload.name}</span>
        <span className={page.dim}>{size(upload.size)}</span>
        {upload.state !== "failed" && <output className={page.dim}>{words}</output>}
        <Button size="xs" variant="default" onClick={onDrop}>
          {upload.state === "failed" ? text.shared.remove : text.shared.cancel}
        </Button>
      </div>
      {upload.state !== "failed" && (
        <Progress
          value={percent}
          size="sm"
          mt={6}
          animated={upload.state === "checking"}
          aria-label={`${upload.name}: ${words}`}
        />
      )}
      <ProblemLine error={upload.error} />
    </li>
  );
}
