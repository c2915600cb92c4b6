import { describe, expect, it } from "vitest";
import { channel as aChannel } from "../api/fixtures";
import { en } from "../i18n/en";
import { archiveSummary } from "./archive";

function summary(free_bytes: number | null, bitrate_bps: number) {
  const channel = aChannel();
  channel.ingest.bitrate_bps = bitrate_bps;
  channel.archive = { ...channel.archive, state: "ok", free_bytes };
  return archiveSummary(channel, [channel, channel], en);
}

describe("archiveSummary", () => {
  it("says how long all channels together can be recorded", () => {
    expect(summary(540e9, 6e6)).toEqual({ colour: "green", words: "Archive OK · room for 100 h" });
  });
  it("asks for attention when less than a day is left", () => {
    expect(summary(54e9, 6e6)).toEqual({ colour: "amber", words: "Archive OK · room for 10 h" });
  });
  it("gives the free space when nothing comes in", () => {
    expect(summary(80e9, 0).words).toBe("Archive OK · 80 GB free");
  });
});
