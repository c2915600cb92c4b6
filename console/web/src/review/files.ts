/** Files of a broadcast's comments: their addresses, and how much nobody reviewed. Pure. */
import type { BroadcastRow } from "./types";

const FILES = {
  report: ["report", "html"],
  form: ["form", "html"],
  pdf: ["form", "pdf"],
  csv: ["export", "csv"],
} as const;

export function fileAddress(channel: string, broadcast: string, kind: keyof typeof FILES): string {
  const [path, format] = FILES[kind];
  const asked = new URLSearchParams({ broadcast, format }).toString();
  return `/api/v1/review/${encodeURIComponent(channel)}/${path}?${asked}`;
}

/** Comments that nobody published and nobody rejected. */
export function unreviewed({ comments }: BroadcastRow): number {
  return (comments.waiting ?? 0) + (comments.blocked ?? 0) + (comments.expired ?? 0);
}

/** Somebody may still review some of them. */
export function isOpen({ comments }: BroadcastRow): boolean {
  return (comments.waiting ?? 0) + (comments.blocked ?? 0) > 0;
}
