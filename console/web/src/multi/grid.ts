/** Which channels a multiview shows, how they are laid out, and which of them move. Pure. */
import type { ChannelStatus } from "../api/types";

/** Pictures at a time; the keys 1 to 9 choose among them. */
export const TILES = 9;

/**
 * Pixels a second that a multiview decodes as moving pictures; beyond it channels show their keyframes. One small
 * feed fits: what moves is what costs (docs/adr/0044-many-channels.md).
 */
export const MOVING_PIXELS = 3_000_000;
/** Taken for a feed whose size is not known yet: 1080p30. */
const UNKNOWN_PIXELS = 1920 * 1080 * 30;

/** The nine channels among which the chosen one is: the first nine, the next nine, and so on. */
export function pageOf<T extends { name: string }>(channels: readonly T[], chosen: string): T[] {
  const at = Math.max(
    0,
    channels.findIndex(({ name }) => name === chosen),
  );
  const first = Math.floor(at / TILES) * TILES;
  return channels.slice(first, first + TILES);
}

/** Columns of the grid: pictures as large as a wide area allows. */
export function columnsOf(count: number): number {
  return Math.max(1, Math.ceil(Math.sqrt(count)));
}

function pixelRate({ ingest }: Pick<ChannelStatus, "ingest">): number {
  const rate = ingest.width * ingest.height * ingest.fps;
  return rate > 0 ? rate : UNKNOWN_PIXELS;
}

/** The channels whose pictures move: the chosen one always, others in their order while the budget lasts. */
export function movingOf(
  channels: readonly Pick<ChannelStatus, "name" | "ingest">[],
  chosen: string,
  budget = MOVING_PIXELS,
): Set<string> {
  const moving = new Set<string>();
  let left = budget;
  for (const channel of channels) {
    if (channel.name !== chosen) continue;
    moving.add(chosen);
    left -= pixelRate(channel);
  }
  for (const channel of channels) {
    const rate = pixelRate(channel);
    if (moving.has(channel.name) || rate > left) continue;
    moving.add(channel.name);
    left -= rate;
  }
  return moving;
}
