import type { ChannelStatus, Feed } from "../api/types";
import type { Strings } from "../i18n";
import type { PlayerReport } from "../player/mse";
import { awaySince, wantedInput } from "./camera";

/** What stands over the picture when it is not what it seems; null when it is. `at`: the server's clock, of the status. */
export function wordsOver(
  feed: Feed,
  channel: ChannelStatus,
  report: PlayerReport,
  ingestUp: boolean,
  at: number,
  text: Strings,
): [string, string?] | null {
  if (report.state === "unsupported") return [text.picture.unsupported];
  if (report.state === "offline") return [text.picture.offline];
  if (feed === "pgm" && channel.state === "stopped") return [text.picture.stopped];
  if (feed === "pvw" && !ingestUp) return [text.picture.noInput, text.picture.ingestDown];
  const input = wantedInput(channel);
  if (feed === "pvw" && !input.connected) {
    if (channel.camera === "standby") return [text.picture.standbyAway(awaySince(input, at, text))];
    return [text.picture.noInput, text.picture.noInputHint];
  }
  switch (report.state) {
    case "connecting":
      return [text.picture.connecting];
    case "waiting":
      return [text.picture.waiting];
    case "stalled":
      return [text.picture.stalled];
    case "playing":
      return null;
  }
}
