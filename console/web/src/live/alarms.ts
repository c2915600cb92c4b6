/** What asks for attention now, worst first, over all channels. Pure. */
import { type Language, say, type Strings } from "../i18n/strings";
import type { ChannelStatus, Level, Warn } from "../api/types";

export interface Alarm {
  key: string;
  channel: string; // "" concerns all of them
  level: Exclude<Level, "info">;
  text: string;
}

/** On air for so long, seconds, a destination must have begun to connect. */
const IDLE_S = 5;

export function alarmsOf(channel: ChannelStatus, text: Strings, language: Language): Alarm[] {
  const found: Alarm[] = [];
  const add = (key: string, level: Alarm["level"], words: string) =>
    found.push({ key: `${channel.name}/${key}`, channel: channel.name, level, text: words });
  const because = (words: string, reason: string) => (reason === "" ? words : text.alarms.because(words, reason));
  const { archive } = channel;
  if (archive.state === "failed") add("archive", "alarm", because(text.alarms.archiveFailed, say(language, archive.error, archive.error_zh)));
  if (archive.state === "behind") add("archive", "warning", because(text.alarms.archiveBehind, say(language, archive.error, archive.error_zh)));
  if (archive.lost_packets > 0) add("archive-lost", "warning", text.alarms.lostPackets(archive.lost_packets));
  for (const { name, state, error } of channel.destinations) {
    if (state === "failed") add(`to-${name}`, "alarm", because(text.alarms.destinationFailed(name), error));
    if (state === "idle" && (channel.on_air_s ?? 0) > IDLE_S) add(`to-${name}`, "alarm", text.alarms.destinationIdle(name));
    if (state === "behind") add(`to-${name}`, "warning", because(text.alarms.destinationBehind(name), error));
    if (state === "live" && error !== "") add(`to-${name}`, "warning", because(text.alarms.destinationOldAddress(name), error));
    if (state === "backoff") add(`to-${name}`, "warning", because(text.alarms.destinationBackoff(name), error));
  }
  for (const warn of [...channel.warnings, ...channel.ingest.warnings, ...(channel.standby?.warnings ?? [])]) {
    const words = say(language, warn.text, warn.text_zh);
    // The gate may report the archive or a destination in a sentence of its own: one line is enough.
    if (warn.level !== "info" && !found.some((alarm) => alarm.text === words)) add(warn.code, warn.level, words);
  }
  return found;
}

/** `gate`: what is wrong with streamgate itself. */
export function allAlarms(
  channels: ChannelStatus[],
  gate: { ingestUp: boolean; commentsUp: boolean; warnings: Warn[] },
  text: Strings,
  language: Language,
): Alarm[] {
  const found = channels.flatMap((channel) => alarmsOf(channel, text, language));
  for (const warn of gate.warnings) {
    if (warn.level === "info") continue;
    found.unshift({ key: warn.code, channel: "", level: warn.level, text: say(language, warn.text, warn.text_zh) });
  }
  if (!gate.commentsUp) found.unshift({ key: "comments", channel: "", level: "warning", text: text.alarms.commentsDown });
  if (!gate.ingestUp) found.unshift({ key: "ingest", channel: "", level: "alarm", text: text.alarms.ingestDown });
  return found.toSorted((a, b) => Number(b.level === "alarm") - Number(a.level === "alarm"));
}
