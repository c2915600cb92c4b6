/** What an HLS playlist says about being on air. Pure; times: milliseconds of one clock. (RFC 8216, 4.3.) */

export interface Playlist {
  /** Number of the newest segment. */
  newest: number;
  /** No segment will follow. */
  ended: boolean;
  targetS: number;
}

/** Reads a media playlist; null when the text is none. */
export function readPlaylist(text: string): Playlist | null {
  const lines = text.split(/\r?\n/);
  if (lines[0]?.trim() !== "#EXTM3U") return null;
  const number = (tag: string): number => Number(lines.find((line) => line.startsWith(tag))?.slice(tag.length));
  const target = number("#EXT-X-TARGETDURATION:");
  if (!Number.isFinite(target)) return null;
  const first = number("#EXT-X-MEDIA-SEQUENCE:");
  const segments = lines.filter((line) => line.startsWith("#EXTINF:")).length;
  return {
    newest: (Number.isFinite(first) ? first : 0) + segments - 1,
    ended: lines.some((line) => line.trim() === "#EXT-X-ENDLIST"),
    targetS: target,
  };
}

/** Targets without a new segment after which nobody is on air; at least `STILL_LEAST_MS`. */
const STILL_TARGETS = 4;
const STILL_LEAST_MS = 20_000;

/** Judges looks at one playlist, one after the other. */
export class AirWatch {
  #newest: number | null = null;
  #changedAt = 0;
  /** The newest segment of a program that is over: what a gate that stopped without a word leaves behind. */
  #overAt: number | null = null;

  /** Whether the program goes on: an ended playlist is over, and one that stands still. */
  isOn(playlist: Playlist, now: number): boolean {
    if (playlist.ended || playlist.newest < 0) return false;
    if (playlist.newest !== this.#newest) {
      this.#newest = playlist.newest;
      this.#changedAt = now;
    }
    if (playlist.newest === this.#overAt) return false;
    this.#overAt = null;
    const still = Math.max(STILL_LEAST_MS, playlist.targetS * STILL_TARGETS * 1_000);
    if (now - this.#changedAt < still) return true;
    this.#overAt = playlist.newest;
    return false;
  }
}
