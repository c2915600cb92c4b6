/** A playlist of recordings: which moment of the wall clock plays at which second of the video. Pure. */

/** `at`: wall clock, seconds since the epoch. `media`: seconds of the video, where it begins. */
export interface Segment {
  at: number;
  media: number;
  length: number;
}

/** Reads a playlist (HLS). Segments without a time of their own follow the one before. */
export function readSegments(playlist: string): Segment[] {
  const found: Segment[] = [];
  let media = 0;
  let at: number | null = null;
  for (const line of playlist.split("\n")) {
    if (line.startsWith("#EXT-X-PROGRAM-DATE-TIME:")) at = new Date(line.slice(25).trim()).getTime() / 1_000;
    if (!line.startsWith("#EXTINF:")) continue;
    const length = Number.parseFloat(line.slice(8));
    const before = found.at(-1);
    const begins: number = at ?? (before === undefined ? 0 : before.at + before.length);
    found.push({ at: begins, media, length });
    media += length;
    at = null;
  }
  return found;
}

/** Where a moment plays; one that is not recorded: what was recorded next, or the end. */
export function mediaAt(segments: readonly Segment[], at: number): number {
  for (const { at: begins, media, length } of segments) {
    if (at < begins) return media;
    if (at < begins + length) return media + at - begins;
  }
  const last = segments.at(-1);
  return last === undefined ? 0 : last.media + last.length;
}

/** Where a video stands is known to the microsecond: what begins nearer than this has begun. */
const EDGE_S = 0.002;

/** Which moment plays there. */
export function wallAt(segments: readonly Segment[], media: number): number | null {
  let found: Segment | null = null;
  for (const one of segments) {
    if (one.media > media + EDGE_S) break;
    found = one;
  }
  const segment = found ?? segments[0];
  return segment === undefined ? null : segment.at + Math.min(Math.max(0, media - segment.media), segment.length);
}

const WINDOW_S = 3_600;
const AROUND_S = 30;

/** The span that is loaded around a moment: an hour of the clock with a little before and behind. */
export function windowOf(at: number): { start: number; end: number } {
  const hour = Math.floor(at / WINDOW_S) * WINDOW_S;
  return { start: hour - AROUND_S, end: hour + WINDOW_S + AROUND_S };
}
