import { Button, Progress } from "@mantine/core";
import { useMay } from "../api/channels";
import { say, useLanguage, useText } from "../i18n";
import { duration } from "../ui/format";
import { Answer, CopyButton, ProblemLine } from "../ui/Page";
import { byWhom, shortTime, size } from "../ui/people";
import archive from "./Archive.module.css";
import classes from "./Aside.module.css";
import { clockOf, dayOf } from "./days";
import { type RecordingExport, useExports, useRemoveExport } from "./questions";
import type { Room } from "./useRoom";

const TONES = { waiting: "info", running: "info", done: "good", failed: "bad", cancelled: "none", interrupted: "warn" } as const;

/** The channel's exports, the newest first. */
export function Exports({ room }: { room: Room }) {
  const words = useText().recordings.exports;
  const asked = useExports(room.channel);
  const may = useMay("archive:export", room.channel);
  return (
    <div className={classes.scroller} data-testid="exports">
      <Answer asked={asked}>
        {asked.data?.exports.length === 0 && <p className={classes.blank}>{words.nothing}</p>}
        {asked.data?.exports.map((one) => (
          <One key={one.id} one={one} may={may} />
        ))}
      </Answer>
    </div>
  );
}

function One({ one, may }: { one: RecordingExport; may: boolean }) {
  const text = useText();
  const language = useLanguage();
  const words = text.recordings.exports;
  const remove = useRemoveExport(one.channel);
  const over = one.state !== "waiting" && one.state !== "running";
  const { start, end } = one.state === "done" ? { start: one.first, end: one.last } : one;
  return (
    <article className={classes.card} data-export={one.id} data-state={one.state}>
      <b>{one.reason}</b>
      <small>
        {dayOf(start)} {clockOf(start, 1)} – {clockOf(end, 1)} · {duration(end - start)} · {text.recordings.span.kinds[one.kind]}
      </small>
      <small>
        {byWhom(one.by, text)}, {shortTime(one.at, language)}
      </small>
      <div className={classes.buttons}>
        <span className={archive.tag} data-tone={TONES[one.state]}>
          {words.states[one.state]}
        </span>
        {one.state === "running" && (
          <Progress className={classes.progress ?? ""} value={one.done * 100} aria-label={words.states.running} size="sm" />
        )}
        {one.state === "done" && <span>{size(one.bytes)}</span>}
        {one.exact && one.state === "done" && <span className={archive.tag}>{words.encoded(one.encoded)}</span>}
        {one.losses.length > 0 && (
          <span className={archive.tag} data-tone="warn">
            {words.gaps(one.losses.length)}
          </span>
        )}
      </div>
      {over && one.error !== "" && <p className={classes.bad}>{say(language, one.error, one.error_zh)}</p>}
      {one.sha256 !== "" && (
        <div className={classes.sha}>
          <code title={one.sha256}>SHA-256 {one.sha256.slice(0, 16)}…</code>
          <CopyButton value={one.sha256} label="SHA-256" />
        </div>
      )}
      {may && (
        <div className={classes.buttons}>
          {one.file !== "" && (
            <Button size="compact-xs" component="a" href={one.file} download>
              {words.fetch}
            </Button>
          )}
          <Button size="compact-xs" variant="default" loading={remove.isPending} onClick={() => remove.mutate(one.id)}>
            {over ? words.remove : words.cancel}
          </Button>
        </div>
      )}
      <ProblemLine error={remove.error} />
    </article>
  );
}
