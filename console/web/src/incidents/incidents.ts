/** What a form begins with, and where evidence is. Pure. */
import type { Incident, WrittenUp } from "../api/types";

/** What stands in the form before anybody has typed: what was written up last, else what was said then. */
export function firstWords(one: Incident, language: "en" | "zh"): WrittenUp {
  const said = language === "zh" && one.words_zh !== "" ? one.words_zh : one.words;
  return {
    category: one.category ?? CATEGORY[one.kind],
    level: one.level ?? (one.kind === "violation" ? "grave" : "minor"),
    aired: one.aired ?? AIRED[one.kind],
    words: one.report === "" ? said : one.report,
    measures: one.measures,
  };
}

const CATEGORY: Record<Incident["kind"], WrittenUp["category"]> = {
  cut: "picture",
  dump: "picture",
  condemn: "picture",
  redact: "sound",
  stop: "operation",
  violation: "technical",
  gap: "technical",
  note: "other",
};
/** What is condemned never airs. */
const AIRED: Record<Incident["kind"], WrittenUp["aired"]> = {
  cut: "no",
  dump: "no",
  condemn: "no",
  redact: "no",
  stop: "no",
  violation: "unknown",
  gap: "unknown",
  note: "unknown",
};

/** Drafts of the channel, and those that are written up, that another draft may become part of; the nearest first. */
export function joinable(one: Incident, all: readonly Incident[]): Incident[] {
  return all
    .filter(({ id, channel, state }) => id !== one.id && channel === one.channel && (state === "draft" || state === "completed"))
    .toSorted((a, b) => Math.abs(a.happened - one.happened) - Math.abs(b.happened - one.happened));
}

/** The address of a span of the archive for a player. */
export function playlist(channel: string, start: number, end: number, as: "received" | "aired"): string {
  const query = new URLSearchParams({ from: start.toFixed(3), to: end.toFixed(3), as });
  return `/api/v1/archive/${encodeURIComponent(channel)}/playlist.m3u8?${query.toString()}`;
}
