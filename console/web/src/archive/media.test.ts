import { describe, expect, it } from "vitest";
import { mediaAt, readSegments, wallAt, windowOf } from "./media";

const PLAYLIST = `#EXTM3U
#EXT-X-TARGETDURATION:6
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.000Z
#EXTINF:6.00000,
#EXT-X-BYTERANGE:10@0
parts/2026-09-21/a.mp4
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:26.000Z
#EXTINF:6.00000,
parts/2026-09-21/b.mp4
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:14:02.000Z
#EXTINF:4.50000,
parts/2026-09-21/c.mp4
#EXT-X-ENDLIST`;
const T = 1_790_000_000;
const segments = readSegments(PLAYLIST);

describe("a playlist", () => {
  it("has one timeline of the video, and the wall clock beside it", () => {
    expect(segments).toEqual([
      { at: T, media: 0, length: 6 },
      { at: T + 6, media: 6, length: 6 },
      { at: T + 42, media: 12, length: 4.5 },
    ]);
  });
  it("passes over gaps", () => {
    expect(mediaAt(segments, T - 5)).toBe(0);
    expect(mediaAt(segments, T + 7.5)).toBe(7.5);
    expect(mediaAt(segments, T + 20)).toBe(12);
    expect(mediaAt(segments, T + 43)).toBe(13);
    expect(mediaAt(segments, T + 99)).toBe(16.5);
    expect(mediaAt([], T)).toBe(0);
  });
  it("says when it was", () => {
    expect(wallAt(segments, 11.99)).toBeCloseTo(T + 11.99);
    expect(wallAt(segments, 12)).toBe(T + 42);
    expect(wallAt(segments, 11.999_99)).toBe(T + 42);
    expect(wallAt(segments, 99)).toBe(T + 46.5);
    expect(wallAt([], 3)).toBeNull();
  });
  it("is loaded by the hour", () => {
    expect(windowOf(7_200)).toEqual({ start: 7_170, end: 10_830 });
    expect(windowOf(10_799.9)).toEqual({ start: 7_170, end: 10_830 });
  });
});
