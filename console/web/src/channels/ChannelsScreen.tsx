/** Channels: make, set up and remove them; how an encoder reaches one; its backups. */
import "@mantine/core/styles/NumberInput.css";
import "@mantine/core/styles/Progress.css";
import { Button } from "@mantine/core";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { useChannels, useMay } from "../api/channels";
import type { ChannelSettings, StreamKey } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import { Answer, UndoBar, type Undoable } from "../ui/Page";
import page from "../ui/Page.module.css";
import { BackupsPart } from "./BackupsPart";
import classes from "./Channels.module.css";
import { EncoderPart } from "./EncoderPart";
import { NewChannel } from "./NewChannel";
import { SettingsPart } from "./SettingsPart";

const PARTS = ["encoder", "backups", "settings"] as const;
type Part = (typeof PARTS)[number];

export function ChannelsScreen() {
  const text = useText();
  const language = useLanguage();
  const { channel: asked } = useParams({ strict: false });
  const go = useNavigate();
  const channels = useChannels();
  const mayMake = useMay("channel:settings");
  const [making, make] = useState(false);
  const [part, show] = useState<Part>("encoder");
  const [keys, keep] = useState<StreamKey[]>([]);
  const keepOne = (channel: string, camera: StreamKey["camera"], key: StreamKey | null) => {
    const others = keys.filter((one) => one.channel !== channel || one.camera !== camera);
    keep(key === null ? others : [...others, key]);
  };
  const [removed, setRemoved] = useState<Undoable | null>(null);
  const forget = useCallback(() => setRemoved(null), []);
  const all = channels.data?.channels ?? [];
  const chosen = asked === undefined ? all[0] : all.find(({ name }) => name === asked);
  const open = (name: string) => void go({ to: "/channels/{-$channel}", params: { channel: name } });
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1>{text.channels.title}</h1>
        {mayMake && !making && (
          <Button size="xs" onClick={() => make(true)}>
            {text.channels.add}
          </Button>
        )}
      </header>
      {making && (
        <NewChannel
          onClose={() => make(false)}
          onMade={(made) => {
            make(false);
            keepOne(made.channel, "main", made);
            show("encoder");
            open(made.channel);
          }}
        />
      )}
      <Answer asked={channels}>
        {channels.data?.broken.map(({ name, error, error_zh }) => (
          <div key={name} className={page.card} role="alert" style={{ marginBottom: 12 }}>
            <strong>{text.channels.broken(name)}</strong>
            <p className={page.bad}>{say(language, error, error_zh)}</p>
          </div>
        ))}
        {all.length === 0 && !making && <p className={page.blank}>{text.channels.empty}</p>}
        {all.length > 0 && (
          <nav className={classes.tabs} aria-label={text.channels.pick}>
            {all.map(({ name }) => (
              <Link
                key={name}
                to="/channels/{-$channel}"
                params={{ channel: name }}
                className={classes.tab}
                aria-current={name === chosen?.name ? "page" : undefined}
                data-active={name === chosen?.name}
              >
                {name}
              </Link>
            ))}
          </nav>
        )}
        {chosen === undefined && asked !== undefined && <p className={page.blank}>{text.channels.missing(asked)}</p>}
        {chosen !== undefined && (
          <Parts
            key={chosen.name}
            channel={chosen}
            part={part}
            onPart={show}
            made={keys.filter((one) => one.channel === chosen.name)}
            onKey={(camera, made) => keepOne(chosen.name, camera, made)}
            onRemoved={setRemoved}
          />
        )}
      </Answer>
      <UndoBar removed={removed} onGone={forget} />
    </div>
  );
}

interface PartsProps {
  channel: ChannelSettings;
  part: Part;
  onPart: (part: Part) => void;
  made: StreamKey[];
  onKey: (camera: StreamKey["camera"], key: StreamKey | null) => void;
  onRemoved: (removed: Undoable) => void;
}

function Parts({ channel, part, onPart, made, onKey, onRemoved }: PartsProps) {
  const text = useText();
  return (
    <>
      <fieldset className={page.parts} aria-label={text.channels.partsLabel}>
        {PARTS.map((name) => (
          <button
            key={name}
            type="button"
            className={page.part}
            aria-pressed={name === part}
            onClick={() => onPart(name)}
          >
            {text.channels.parts[name]}
          </button>
        ))}
      </fieldset>
      {part === "encoder" && <EncoderPart channel={channel} made={made} onKey={onKey} onRemoved={onRemoved} />}
      {part === "backups" && <BackupsPart channel={channel} onRemoved={onRemoved} />}
      {part === "settings" && <SettingsPart channel={channel} onRemoved={onRemoved} />}
    </>
  );
}
