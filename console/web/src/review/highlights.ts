/** A comment as pieces: what was found where, and characters that cannot be seen. Spans count code points. Pure. */
import type { HitView } from "./types";

export interface Piece {
  /** Code points before it: a key, and where a selection begins. */
  at: number;
  text: string;
  /** The finds that cover all of it. */
  hits: readonly HitView[];
  /** Name of the invisible character that the piece is: it must be seen by who approves it. */
  unseen: string;
}

/** Zero-width, bidi, soft hyphen, tags, controls but line breaks and tabs; joiners inside emoji do what they should. */
const UNSEEN =
  // oxlint-disable-next-line no-control-regex -- that is what it is for
  /[\u034f\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;

/** Cut a text at the edges of its hits and around characters that cannot be seen. */
export function piecesOf(text: string, hits: readonly HitView[]): Piece[] {
  const points = Array.from(text);
  const spans = hits.filter(({ start, end }) => start < end && start < points.length);
  const edges = new Set([0, points.length]);
  for (const { start, end } of spans) edges.add(Math.max(0, start)).add(Math.min(points.length, end));
  points.forEach((point, index) => {
    if (UNSEEN.test(point)) edges.add(index).add(index + 1);
  });
  const cuts = [...edges].toSorted((a, b) => a - b);
  return cuts.slice(0, -1).map((at, index) => {
    const end = cuts[index + 1] ?? points.length;
    const piece = points.slice(at, end).join("");
    const covering = spans.filter((hit) => hit.start <= at && end <= hit.end);
    return { at, text: piece, hits: covering, unseen: end - at === 1 && UNSEEN.test(piece) ? nameOf(piece) : "" };
  });
}

function nameOf(point: string): string {
  return `U+${(point.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

const GRAVITY = ["suspected", "sensitive", "important", "block"];

export function gravity(severity: string): number {
  return GRAVITY.indexOf(severity);
}

/** The highest severity of some hits; "" of none. */
export function gravest(hits: readonly Pick<HitView, "severity">[]): string {
  return hits.reduce((most, { severity }) => (gravity(severity) > gravity(most) ? severity : most), "");
}

/** The text of a span of code points. */
export function spanOf(text: string, start: number, end: number): string {
  return Array.from(text).slice(start, end).join("");
}

/** Hits that differ only in where they stand, once each, with how often. */
export function kindsOf(hits: readonly HitView[]): { hit: HitView; times: number }[] {
  const kinds = new Map<string, { hit: HitView; times: number }>();
  for (const hit of hits) {
    const key = [hit.list, hit.term, hit.channel, hit.in_author].join("\n");
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, { hit, times: 1 });
    else known.times += 1;
  }
  return [...kinds.values()];
}

/** A find in the page's words: what was found, and on which list. */
export function namesOf(
  { term, list }: Pick<HitView, "term" | "list">,
  { lists, kinds }: { lists: Readonly<Record<string, string>>; kinds: Readonly<Record<string, string>> },
): { term: string; list: string } {
  return { term: (list === "personal" ? kinds[term] : undefined) ?? term, list: lists[list] ?? list };
}
