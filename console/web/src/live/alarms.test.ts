import { describe, expect, test } from "vitest";
import { channel } from "../api/fixtures";
import type { ChannelStatus, DestinationStatus } from "../api/types";
import { en } from "../i18n/en";
import { zh } from "../i18n/zh";
import { alarmsOf, allAlarms } from "./alarms";

const { archive, ingest } = channel();
const destination = (changes: Partial<DestinationStatus>): DestinationStatus => ({
  name: "school",
  url: "",
  state: "live",
  bitrate_bps: 0,
  bytes: 0,
  packets: 0,
  dropped: 0,
  reconnects: 0,
  queue_ms: 0,
  retry_in_s: null,
  error: "",
  error_zh: "",
  ...changes,
});
const words = (changes: Partial<ChannelStatus>) =>
  alarmsOf(channel(changes), en, "en").map(({ level, text }) => [level, text]);

describe("what asks for attention", () => {
  test("nothing, when all is well", () => {
    expect(words({ destinations: [destination({})] })).toEqual([]);
  });

  test("an archive that is not written, with the reason", () => {
    expect(words({ archive: { ...archive, state: "failed", error: "disk full" } })).toEqual([
      ["alarm", "The archive is not being written: disk full"],
    ]);
  });

  test("a destination that failed, is lost, or gets nothing while on air", () => {
    expect(words({ destinations: [destination({ state: "failed", error: "bad key" })] })).toEqual([
      ["alarm", "Destination school failed: bad key"],
    ]);
    expect(words({ destinations: [destination({ state: "backoff" })] })[0]?.[0]).toBe("warning");
    expect(words({ destinations: [destination({ state: "behind", error: "40% lost" })] })).toEqual([
      ["warning", "Destination school does not keep up; its viewers see jumps: 40% lost"],
    ]);
    expect(words({ destinations: [destination({ error: "no name server" })] })).toEqual([
      ["warning", "Destination school was reached by an earlier address: no name server"],
    ]);
    expect(words({ on_air_s: 6, destinations: [destination({ state: "idle" })] })[0]?.[0]).toBe("alarm");
    expect(words({ on_air_s: null, destinations: [destination({ state: "idle" })] })).toEqual([]);
  });

  test("warnings of the gate and the ingest in the operator's language; mere information does not", () => {
    const warn = { code: "no_audio", text: "no sound", text_zh: "没有声音", level: "warning" as const };
    const both = channel({ warnings: [{ ...warn, level: "info" }], ingest: { ...ingest, warnings: [warn] } });
    expect(alarmsOf(both, zh, "zh").map(({ text }) => text)).toEqual(["没有声音"]);
  });
});

test("over all channels the worst comes first", () => {
  const late = channel({ name: "a", archive: { ...archive, state: "behind" } });
  const failed = channel({ name: "b", archive: { ...archive, state: "failed" } });
  const well = { ingestUp: true, commentsUp: true, warnings: [] };
  expect(allAlarms([late, failed], well, en, "en").map(({ channel: name }) => name)).toEqual(["b", "a"]);
  expect(allAlarms([late], { ...well, ingestUp: false }, en, "en").map(({ level }) => level)).toEqual(["alarm", "warning"]);
  const gone = { code: "supervisor_silent", text: "the supervisor has ended", text_zh: "主控已退出", level: "alarm" as const };
  const away = allAlarms([failed], { ...well, commentsUp: false }, zh, "zh");
  expect(away.map(({ level, text }) => [level, text])[1]).toEqual(["warning", zh.alarms.commentsDown]);
  expect(allAlarms([late], { ...well, warnings: [gone] }, zh, "zh")[0]).toMatchObject({ channel: "", text: "主控已退出" });
});
