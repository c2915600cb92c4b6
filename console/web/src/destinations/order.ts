/** What is shown first: channels in which something waits for approval, and in them what waits. Pure. */
import type { ChannelSettings } from "../api/types";

export function countWaiting(channels: readonly ChannelSettings[]): number {
  return channels.reduce((sum, { destinations }) => sum + destinations.filter(({ approved }) => !approved).length, 0);
}

function rank(channel: ChannelSettings): number {
  return countWaiting([channel]) > 0 ? 0 : 1;
}

export function waitingFirst(channels: readonly ChannelSettings[]): ChannelSettings[] {
  return channels
    .map((channel) => ({
      ...channel,
      destinations: channel.destinations.toSorted((a, b) => Number(a.approved) - Number(b.approved)),
    }))
    .toSorted((a, b) => rank(a) - rank(b));
}
