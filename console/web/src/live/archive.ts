/** The archive's state in a few words. Pure. */
import type { ArchiveState, ChannelStatus } from "../api/types";
import type { Strings } from "../i18n";
import type { LampColour } from "./Lamp";

const COLOUR: Record<ArchiveState, LampColour> = { idle: "off", ok: "green", behind: "amber", failed: "red" };
const HOUR_S = 3600;
const SCARCE_H = 24;

/** `all` channels share the disk: how long it lasts depends on what comes in on each of them now. */
export function archiveSummary(
  channel: ChannelStatus,
  all: ChannelStatus[],
  text: Strings,
): { colour: LampColour; words: string } {
  const { state, free_bytes } = channel.archive;
  const bps = all.reduce((sum, each) => sum + each.ingest.bitrate_bps + (each.standby?.bitrate_bps ?? 0), 0);
  const words = [`${text.archive.chip} ${text.archive[state]}`];
  const hours = free_bytes !== null && bps > 0 ? Math.floor((free_bytes * 8) / bps / HOUR_S) : null;
  if (hours !== null) words.push(text.archive.hours(hours));
  else if (free_bytes !== null) words.push(text.archive.gigabytes((free_bytes / 1e9).toFixed(0)));
  const colour = state === "ok" && hours !== null && hours < SCARCE_H ? "amber" : COLOUR[state];
  return { colour, words: words.join(" · ") };
}
