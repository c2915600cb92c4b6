import { describe, expect, test } from "vitest";
import { channel } from "../api/fixtures";
import { marksOf, receivedOf, scaleOf } from "./beltMath";

const { ingest } = channel();

describe("what has been received", () => {
  test("live: the whole delay, and more is arriving", () => {
    expect(receivedOf(channel())).toEqual({ fromS: 0, toS: 30, arriving: true });
  });

  test("filling: from the first packet due to the newest", () => {
    expect(receivedOf(channel({ state: "filling", returns_in_s: 12 }))).toEqual({ fromS: 12, toS: 30, arriving: true });
  });

  test("input lost 10 s ago: a hole of 10 s at the incoming end", () => {
    const lost = channel({ ingest: { ...ingest, connected: false, since_s: 10 } });
    expect(receivedOf(lost)).toEqual({ fromS: 0, toS: 20, arriving: false });
  });

  test("input lost longer ago than the delay, never there, or stopped: nothing", () => {
    expect(receivedOf(channel({ ingest: { ...ingest, connected: false, since_s: 31 } }))).toBeNull();
    expect(receivedOf(channel({ ingest: { ...ingest, connected: false, since_s: null } }))).toBeNull();
    expect(receivedOf(channel({ state: "stopped" }))).toBeNull();
  });
});

describe("the scale", () => {
  test.each([
    [30, [25, 20, 15, 10, 5]],
    [45, [40, 30, 20, 10]],
    [600, [480, 360, 240, 120]],
  ])("of %d s", (delay, labels) => {
    expect(scaleOf(delay)).toEqual(labels);
  });

  test("clock marks stand on round seconds and cover the whole delay", () => {
    expect(marksOf(1_000_003, 30)).toEqual([999_970, 999_975, 999_980, 999_985, 999_990, 999_995, 1_000_000, 1_000_005]);
  });
});
