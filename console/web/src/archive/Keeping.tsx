/** How recordings are kept: holds, what goes soon, how long the disk lasts, how the second copy stands. */
import { UnstyledButton } from "@mantine/core";
import { useMay } from "../api/channels";
import { say, type Strings, useLanguage, useText } from "../i18n";
import { Answer } from "../ui/Page";
import { shortTime, size } from "../ui/people";
import archive from "./Archive.module.css";
import classes from "./Aside.module.css";
import { clockOf, dayOf } from "./days";
import { Holds } from "./Holds";
import { type StorageState, useExpiring, useStorage } from "./questions";
import type { Room } from "./useRoom";

export function Keeping({ room }: { room: Room }) {
  const text = useText();
  const may = useMay("storage:read");
  return (
    <div className={classes.scroller} data-testid="keeping">
      <h2>{text.recordings.keeping.holds}</h2>
      <Holds room={room} />
      <Expiring room={room} />
      {may && <Stored />}
    </div>
  );
}

function Expiring({ room }: { room: Room }) {
  const words = useText().recordings;
  const asked = useExpiring(room.channel);
  const found = asked.data?.expiring.filter(({ held, parts }) => held < parts) ?? [];
  return (
    <section data-testid="expiring">
      <h2>{words.keeping.expiring}</h2>
      <Answer asked={asked}>
        {found.length === 0 && <p className={classes.hint}>{words.noneExpiring}</p>}
        {found.map((one) => (
          <UnstyledButton key={`${one.broadcast}${one.start}`} className={classes.row} onClick={() => room.goTo(one.start)}>
            <time>{dayOf(one.first_at).slice(5)}</time>
            <span>
              {dayOf(one.start)} {clockOf(one.start).slice(0, 5)} – {clockOf(one.end).slice(0, 5)} · {size(one.bytes)}
              {one.held > 0 && <small>{words.keeping.partly}</small>}
            </span>
          </UnstyledButton>
        ))}
      </Answer>
    </section>
  );
}

function Stored() {
  const asked = useStorage();
  return (
    <Answer asked={asked}>
      {asked.data !== undefined && (
        <>
          <Disk disk={asked.data.disk} />
          <Copy copy={asked.data.copy_state} />
        </>
      )}
    </Answer>
  );
}

function Disk({ disk }: { disk: StorageState["disk"] }) {
  const words = useText().recordings.keeping;
  return (
    <section data-testid="disk">
      <h2>{words.disk}</h2>
      {disk === null ? (
        <p className={classes.hint}>{words.nothing}</p>
      ) : (
        <>
          <p className={classes.fact}>{words.free(size(disk.free_bytes), disk.hours_left === null ? null : lasting(disk.hours_left, words))}</p>
          <p className={disk.fits ? classes.fact : archive.warn}>
            {disk.days_fit === null ? words.noDays(disk.retention_days) : words.days(Math.floor(disk.days_fit), disk.retention_days, size(disk.bytes_a_day))}
          </p>
          {!disk.fits && <p className={archive.warn}>{words.missing(size(disk.missing_bytes))}</p>}
          {disk.reserve_bytes < disk.reserve_wanted && <p className={archive.warn}>{words.reserve(size(disk.reserve_bytes), size(disk.reserve_wanted))}</p>}
        </>
      )}
    </section>
  );
}

function lasting(hours: number, words: Strings["recordings"]["keeping"]): string {
  return hours < 72 ? words.hours(hours.toFixed(hours < 10 ? 1 : 0)) : words.daysLeft(Math.floor(hours / 24));
}

function Copy({ copy }: { copy: StorageState["copy_state"] }) {
  const words = useText().recordings.keeping;
  const language = useLanguage();
  const bad = copy.state === "unreachable" || copy.state === "failed" || copy.state === "not_running" || copy.damaged > 0 || copy.lost > 0;
  return (
    <section data-testid="second-copy" data-state={copy.state}>
      <h2>{words.copy}</h2>
      <p className={bad ? archive.warn : classes.fact}>
        {words.states[copy.state]}
        {copy.target !== "" && ` · ${copy.target}`}
      </p>
      {copy.error !== "" && <p className={classes.bad}>{say(language, copy.error, copy.error_zh)}</p>}
      {copy.state !== "off" && copy.state !== "not_running" && (
        <>
          <p className={classes.fact}>{words.copied(size(copy.bytes), size(copy.checked_bytes))}</p>
          {copy.behind_files > 0 && (
            <p className={classes.fact}>
              {words.behind(copy.behind_files, size(copy.behind_bytes), copy.oldest === null ? "" : shortTime(copy.oldest, language))}
            </p>
          )}
          {copy.damaged > 0 && <p className={archive.warn}>{words.damaged(copy.damaged)}</p>}
          {copy.lost > 0 && <p className={archive.warn}>{words.lost(copy.lost)}</p>}
        </>
      )}
    </section>
  );
}
