import { useState } from "react";
import type { AuditRecord } from "../api/types";
import { say, type Strings, useLanguage, useText } from "../i18n";
import { rolesInWords } from "../people/grants";
import { CopyButton } from "../ui/Page";
import page from "../ui/Page.module.css";
import { byWhom } from "../ui/people";
import classes from "./Audit.module.css";
import { type LedgerRecord, outcomeOf, readRecord, text as plain } from "./record";
import { dateOf, timeOf } from "./times";
import { sentence } from "./words";

export function Records({ records }: { records: AuditRecord[] }) {
  const words = useText().audit;
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">{words.time}</th>
          <th scope="col">{words.who}</th>
          <th scope="col">{words.channel}</th>
          <th scope="col">{words.what}</th>
          <th scope="col">{words.answer}</th>
          <th scope="col" className={classes.number}>
            {words.latency}
          </th>
        </tr>
      </thead>
      <tbody>
        {records.map((one) => (
          <Row key={`${one.file}:${one.n}:${one.at}`} one={one} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ one }: { one: AuditRecord }) {
  const text = useText();
  const language = useLanguage();
  const [open, setOpen] = useState(false);
  const record = readRecord(one.record);
  const when = `${dateOf(one.at)} ${timeOf(one.at)}`;
  const role = rolesInWords(record.role.split(",").filter(Boolean), text.people, text.people.joins);
  const origin = [role, record.from].filter((part) => part !== "").join(" · ");
  return (
    <>
      <tr className={classes.row} data-kind={record.kind} data-open={open}>
        <td className={classes.when}>
          <button
            type="button"
            className={classes.open}
            aria-expanded={open}
            aria-label={text.audit.open(when)}
            onClick={() => setOpen(!open)}
          >
            <span className={page.dim}>{dateOf(one.at)}</span> <span className={page.mono}>{timeOf(one.at)}</span>
          </button>
        </td>
        <td>
          <span className={page.name}>{whoOf(record, text)}</span>
          {origin !== "" && <div className={page.dim}>{origin}</div>}
        </td>
        <td className={classes.channel}>{record.channel}</td>
        <td className={classes.what}>
          {sentence(record, language)}
          {record.times > 1 && <span className={page.dim}> ({text.audit.times(record.times)})</span>}
        </td>
        <td>
          <AnswerCell record={record} />
        </td>
        <td className={`${page.mono} ${classes.number}`}>{record.latencyMs === null ? "" : record.latencyMs.toFixed(record.latencyMs < 10 ? 2 : 0)}</td>
      </tr>
      {open && (
        <tr className={classes.detail}>
          <td colSpan={6}>
            <Exact one={one} record={record} />
          </td>
        </tr>
      )}
    </>
  );
}

/** Who acted: a person by name, a program by its token, or nobody. */
function whoOf({ who, kind }: LedgerRecord, text: Strings): string {
  if (who === "gate") return text.audit.itself;
  if (who === "") return kind === "sign_in" || kind === "refusal" ? text.audit.nobody : "";
  return who
    .split(", ") // several, when their changes came in the same moment
    .map((one) => byWhom(one, text))
    .join(", ");
}

function AnswerCell({ record }: { record: LedgerRecord }) {
  const text = useText();
  const language = useLanguage();
  const words = text.audit;
  const outcome = outcomeOf(record);
  if (outcome === "refused") {
    return (
      <>
        <span className={page.badge} data-tone="bad">
          {words.refused}
        </span>
        <div className={page.dim}>{record.error === "" ? record.answer : say(language, record.error, record.errorZh)}</div>
      </>
    );
  }
  if (outcome === "waiting") {
    return (
      <span className={page.badge} data-tone="warn">
        {words.waits}
      </span>
    );
  }
  const level = words.levels[plain(record.all.level)] ?? "";
  if (level !== "") {
    return (
      <span className={page.badge} data-tone={record.all.level === "alarm" ? "bad" : "warn"}>
        {level}
      </span>
    );
  }
  return <span>{answerOf(record.answer, text)}</span>;
}

function answerOf(answer: string, text: Strings): string {
  if (answer === "ok" || answer === "done") return text.audit.ok;
  if (answer === "stored") return text.audit.stored;
  const state = Object.entries(text.states).find(([name]) => name === answer);
  return state === undefined ? answer : state[1].word;
}

/** The record as it stands on disk. */
function Exact({ one, record }: { one: AuditRecord; record: LedgerRecord }) {
  const words = useText().audit;
  const hash = plain(record.all.hash);
  return (
    <div className={classes.exact} data-testid="exact">
      <dl className={classes.facts}>
        <dt>{words.file}</dt>
        <dd className={page.mono}>{one.file}</dd>
        <dt>{words.line}</dt>
        <dd className={page.mono}>{one.n}</dd>
        <dt>{words.hash}</dt>
        <dd className={page.mono}>{hash}</dd>
      </dl>
      <CopyButton value={one.record} label={words.exactLine} />
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keyboard */}
      <pre className={classes.json} tabIndex={0}>
        {Object.keys(record.all).length === 0 ? one.record : JSON.stringify(record.all, null, 2)}
      </pre>
    </div>
  );
}
