/** Which camera is wanted on air, and what comes from it: the main one, or the channel's standby. Pure. */
import type { ChannelStatus, IngestStatus } from "../api/types";
import type { Strings } from "../i18n";
import { clock, duration } from "../ui/format";

type Cameras = Pick<ChannelStatus, "camera" | "ingest" | "standby">;

/** What comes from the camera that is wanted on air: PVW shows it. */
export function wantedInput({ camera, ingest, standby }: Cameras): IngestStatus {
  if (camera === "main") return ingest;
  return standby ?? { ...ingest, connected: false, since_s: null };
}

const LONG_S = 12 * 3600;

/** Since when an encoder is away: "since 12:03"; "" when it was never there. `at`: the server's clock, of the status. */
export function awaySince({ connected, since_s }: IngestStatus, at: number, text: Strings): string {
  if (connected || since_s === null) return "";
  if (since_s > LONG_S) return text.feed.lostFor(duration(since_s));
  return text.feed.lostSince(clock(at - since_s * 1000).slice(0, 5));
}
