/** The archive's state in a few words. Pure. */
import type { ArchiveState, ChannelStatus } from "../api/types";
import type { Strings } from "../i18n";
import type { LampColour } from "./Lamp";

const COLOUR: Record<ArchiveState, LampColour> = { idle: "off", ok: "green", behind: "amber", failed: "red" };
const DAY_S = 86_400;

/** `all` channels share the disk: how long it lasts depends on what comes in on each of them now. */
export function archiveSummary(
  channel: ChannelStatus,
  all: ChannelStatus[],
  text: Strings,
): { colour: LampColour; words: string } {
  const { state, free_bytes } = channel.archive;
  const bps = all.reduce((sum, each) => sum + each.ingest.bitrate_bps, 0);
  const words = [`${text.archive.chip} ${text.archive[state]}`];
  if (free_bytes !== null) {
    const days = bps > 0 ? Math.floor((free_bytes * 8) / bps / DAY_S) : null;
    words.push(days === null ? text.archive.gigabytes((free_bytes / 1e9).toFixed(0)) : text.archive.days(days));
  }
  return { colour: COLOUR[state], words: words.join(" · ") };
}
