import { Button, Loader } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useChange, useMay } from "../api/channels";
import { dataOf, http } from "../api/http";
import { useChannel } from "../api/store";
import type { BackupFile } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import { Lamp } from "../live/Lamp";
import { codec, duration } from "../ui/format";
import { ProblemLine, type Undoable } from "../ui/Page";
import page from "../ui/Page.module.css";
import { size } from "../ui/people";
import classes from "./Channels.module.css";

interface Props {
  channel: string;
  backup: BackupFile;
  onRemoved: (removed: Undoable) => void;
}

/** One backup: whether the gate has it ready, a preview, and removal. */
export function BackupItem({ channel, backup, onRemoved }: Props) {
  const text = useText();
  const may = useMay("backup:upload", channel);
  const [open, setOpen] = useState(false);
  const { name } = backup;
  const path = { channel, filename: name };
  const removing = useChange(() =>
    dataOf(http.DELETE("/api/v1/channels/{channel}/backups/{filename}", { params: { path } })),
  );
  const remove = () => removing.mutate(undefined, { onSuccess: ({ undo }) => onRemoved({ undo, what: name }) });
  return (
    <li className={classes.item} data-backup={name}>
      <div className={page.row}>
        <div className={page.grow}>
          <div className={page.name}>{name}</div>
          <div className={page.dim} title={backup.path}>
            {backup.uploaded ? text.channels.uploaded : text.channels.onDisk}
          </div>
        </div>
        <Readiness channel={channel} name={name} />
        <Button size="xs" variant="default" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? text.channels.hide : text.channels.show}
        </Button>
        {may && (
          <Button
            size="xs"
            variant="default"
            loading={removing.isPending}
            onClick={remove}
            aria-label={`${text.shared.remove}: ${name}`}
          >
            {text.shared.remove}
          </Button>
        )}
      </div>
      <ProblemLine error={removing.error} />
      {open && <Preview channel={channel} name={name} />}
    </li>
  );
}

/** What the gate says of the clip. */
function Readiness({ channel, name }: { channel: string; name: string }) {
  const text = useText();
  const language = useLanguage();
  const status = useChannel(channel);
  const clip = status?.clips.find((one) => one.name === name);
  if (status === undefined || clip === undefined) return null;
  const [tone, colour, words] =
    clip.error !== ""
      ? (["bad", "red", text.channels.unusable] as const)
      : clip.ready
        ? (["good", "green", text.channels.ready] as const)
        : (["", "off", status.ingest.connected ? text.channels.preparing : text.channels.waitsForFeed] as const);
  return (
    <span className={page.badge} data-tone={tone} title={say(language, clip.error, clip.error_zh)}>
      <Lamp colour={colour} />
      {words}
    </span>
  );
}

function Preview({ channel, name }: { channel: string; name: string }) {
  const text = useText();
  const look = useQuery({
    queryKey: ["backup", channel, name],
    queryFn: () =>
      dataOf(
        http.GET("/api/v1/channels/{channel}/backups/{filename}", { params: { path: { channel, filename: name } } }),
      ),
    retry: false,
    staleTime: Infinity,
  });
  if (look.isPending) return <Loader size="sm" color="gray" mt={8} />;
  if (look.error !== null || look.data === undefined) return <ProblemLine error={look.error} />;
  const { kind, width, height, duration_s, video_codec, audio_codec, still } = look.data;
  const facts = [
    text.channels.kinds[kind],
    duration_s === null ? "" : duration(duration_s),
    width > 0 ? `${width}×${height}` : "",
    video_codec === "" ? "" : codec(video_codec),
    audio_codec === "" ? "" : codec(audio_codec),
    size(look.data.size),
  ];
  return (
    <figure style={{ margin: 0 }}>
      {still !== "" && <img className={classes.still} src={still} alt={text.channels.stillOf(name)} />}
      <figcaption className={page.dim}>{facts.filter((fact) => fact !== "").join(" · ")}</figcaption>
    </figure>
  );
}
