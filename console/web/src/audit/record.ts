/** A record of the ledger, read from its line. Kinds and members of later versions come through as they are. Pure. */

export type Plain = null | boolean | number | string | Plain[] | { [name: string]: Plain };

export interface LedgerRecord {
  kind: string;
  who: string;
  role: string;
  from: string;
  channel: string;
  what: string;
  reason: string;
  answer: string;
  error: string;
  /** Of records of older versions "". */
  errorZh: string;
  latencyMs: number | null;
  /** How many equal ones it stands for. */
  times: number;
  /** All members, as they stand in the line. */
  all: { [name: string]: Plain };
}

export function readRecord(line: string): LedgerRecord {
  let all: { [name: string]: Plain } = {};
  try {
    const read = JSON.parse(line) as Plain;
    if (typeof read === "object" && read !== null && !Array.isArray(read)) all = read;
  } catch {
    // It is shown as it stands.
  }
  return {
    kind: text(all.kind),
    who: text(all.who),
    role: text(all.role),
    from: text(all.from),
    channel: text(all.channel),
    what: text(all.what),
    reason: text(all.reason),
    answer: text(all.answer),
    error: text(all.error),
    errorZh: text(all.error_zh),
    latencyMs: typeof all.latency_ms === "number" ? all.latency_ms : null,
    times: typeof all.times === "number" ? all.times : 1,
    all,
  };
}

/** A value as a text: "" for nothing, else JSON where it is no text. */
export function text(value: Plain | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function list(value: Plain | undefined): Plain[] {
  return Array.isArray(value) ? value : [];
}

export function members(value: Plain | undefined): { [name: string]: Plain } {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

/** Done, refused, or waiting for a second person; "" for what nobody asked for. */
export function outcomeOf(record: LedgerRecord): "" | "done" | "refused" | "waiting" {
  if (record.kind === "refusal" || (record.error !== "" && record.answer !== "stored")) return "refused";
  if (record.answer === "second_person") return "waiting";
  return record.answer === "" ? "" : "done";
}
