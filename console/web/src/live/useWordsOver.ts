import { useConsole } from "../api/store";
import type { ChannelStatus, Feed } from "../api/types";
import { useText } from "../i18n";
import type { PlayerReport } from "../player/mse";
import { wordsOver } from "./wordsOver";

/** What stands over a picture now; null when it is what it seems. */
export function useWordsOver(feed: Feed, channel: ChannelStatus, report: PlayerReport): [string, string?] | null {
  const ingestUp = useConsole((state) => state.ingestUp);
  const at = useConsole((state) => state.receivedAt + state.clockOffsetMs);
  return wordsOver(feed, channel, report, ingestUp, at, useText());
}
