import { describe, expect, it } from "vitest";
import type { ChannelSettings, DestinationSettings } from "../api/types";
import { countWaiting, waitingFirst } from "./order";

function destination(name: string, approved: boolean): DestinationSettings {
  return {
    name,
    approved,
    url: "rtmp://h/app/***",
    split_headers: false,
    yours: false,
    entered_by: "console:alice",
    entered_at: 1,
    approved_by: "",
    approved_at: null,
  };
}

function channel(name: string, ...destinations: DestinationSettings[]): ChannelSettings {
  return {
    name,
    delay_s: 30,
    restore_needs_two: false,
    dump_s: 10,
    duty_watch: "alarm",
    duty_ask_min: 10,
    duty_absent_s: 120,
    practice: false,
    standby: false,
    created: "",
    destinations,
    backups: [],
  };
}

const CHANNELS = [channel("calm", destination("a", true)), channel("busy", destination("b", true), destination("c", false)), channel("empty")];

describe("order of destinations", () => {
  it("counts what waits in all channels", () => {
    expect(countWaiting(CHANNELS)).toBe(1);
    expect(countWaiting([])).toBe(0);
  });

  it("puts what waits first and leaves the rest as it is", () => {
    const shown = waitingFirst(CHANNELS);
    expect(shown.map(({ name }) => name)).toEqual(["busy", "calm", "empty"]);
    expect(shown[0]?.destinations.map(({ name }) => name)).toEqual(["c", "b"]);
    expect(CHANNELS[1]?.destinations.map(({ name }) => name)).toEqual(["b", "c"]);
  });
});
