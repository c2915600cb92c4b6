/** Filters of the audit: their form in the address of the page, the times of quick picks, the question to the server. Pure. */
import { dateOf, timeOf } from "./times";

export const GROUPS = ["decisions", "events", "ledger", "all"] as const;
export const OUTCOMES = ["", "done", "refused", "waiting"] as const;
export type Group = (typeof GROUPS)[number];
export type Outcome = (typeof OUTCOMES)[number];

/** `from`, `until`: local date and time as the field for them writes it ("2026-11-28T12:00"); "" for none. */
export interface Filters {
  person: string;
  channel: string;
  group: Group;
  action: string;
  outcome: Outcome;
  from: string;
  until: string;
  text: string;
}

export const NO_FILTERS: Filters = {
  person: "",
  channel: "",
  group: "decisions",
  action: "",
  outcome: "",
  from: "",
  until: "",
  text: "",
};

/** The server takes no longer ones. */
export const MOST = { person: 128, channel: 128, action: 64, text: 200 };

/** Reads what stands in the address; what is none of ours is left out. */
export function readSearch(search: Record<string, unknown>): Filters {
  const given = (name: keyof Filters) => {
    const value = search[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  const time = (name: "from" | "until") => (secondsOf(given(name)) === undefined ? "" : given(name));
  return {
    person: given("person").slice(0, MOST.person),
    channel: given("channel").slice(0, MOST.channel),
    group: GROUPS.find((one) => one === given("group")) ?? NO_FILTERS.group,
    action: given("action").slice(0, MOST.action),
    outcome: OUTCOMES.find((one) => one === given("outcome")) ?? "",
    from: time("from"),
    until: time("until"),
    text: given("text").slice(0, MOST.text),
  };
}

/** What stands in the address: that which is not as it is without any choice. */
export function toSearch(filters: Filters): Partial<Filters> {
  const names = Object.keys(NO_FILTERS) as (keyof Filters)[];
  return Object.fromEntries(names.filter((name) => filters[name] !== NO_FILTERS[name]).map((name) => [name, filters[name]]));
}

export interface Question {
  person?: string;
  channel?: string;
  group?: Group;
  action?: string;
  outcome?: Outcome;
  from?: number;
  until?: number;
  text?: string;
}

/** The question to the server. An "until" of a minute means to its end. */
export function toQuestion(filters: Filters): Question {
  const question: Question = { group: filters.group };
  if (filters.person.trim() !== "") question.person = filters.person.trim();
  if (filters.channel !== "") question.channel = filters.channel;
  if (filters.action !== "") question.action = filters.action;
  if (filters.outcome !== "") question.outcome = filters.outcome;
  if (filters.text.trim() !== "") question.text = filters.text.trim();
  const from = secondsOf(filters.from);
  const until = secondsOf(filters.until);
  if (from !== undefined) question.from = from;
  if (until !== undefined) question.until = until + 60;
  return question;
}

/** Seconds since the epoch of a local date and time. */
export function secondsOf(local: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(local)) return undefined;
  const at = new Date(local).getTime() / 1_000;
  return Number.isFinite(at) && at >= 0 ? at : undefined;
}

/** Local date and time, to the minute, as a field for them wants it. */
export function localOf(at: Date): string {
  const seconds = at.getTime() / 1_000;
  return `${dateOf(seconds)}T${timeOf(seconds).slice(0, 5)}`;
}

/** From the beginning of the day that is `days` before. */
export function sinceDay(now: Date, days: number): string {
  return localOf(new Date(now.getFullYear(), now.getMonth(), now.getDate() - days));
}

/** The address of an export of what is shown. */
export function exportAddress(filters: Filters): string {
  const given = Object.entries(toQuestion(filters)).map(([name, value]): [string, string] => [name, String(value)]);
  return `/api/v1/audit/export?${new URLSearchParams(given).toString()}`;
}
