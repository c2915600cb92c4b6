import { describe, expect, test } from "vitest";
import { AirWatch, type Playlist, readPlaylist } from "./playlist";

const TEXT = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:17
#EXT-X-MAP:URI="init.mp4"
#EXTINF:4.000,
seg17.m4s
#EXTINF:3.960,
seg18.m4s
`;

const list = (newest: number, ended = false): Playlist => ({ newest, ended, targetS: 4 });

describe("a playlist", () => {
  test("names its newest segment", () => {
    expect(readPlaylist(TEXT)).toEqual({ newest: 18, ended: false, targetS: 4 });
  });

  test("of a program that is over says so, with any line ends", () => {
    expect(readPlaylist(`${TEXT}#EXT-X-ENDLIST\n`.replaceAll("\n", "\r\n"))).toEqual({ newest: 18, ended: true, targetS: 4 });
  });

  test("without a first number counts from 0", () => {
    expect(readPlaylist(TEXT.replace("#EXT-X-MEDIA-SEQUENCE:17\n", ""))?.newest).toBe(1);
  });

  test.each(["", "<!doctype html>", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n"])("is nothing else: %j", (text) => {
    expect(readPlaylist(text)).toBeNull();
  });
});

describe("on air", () => {
  test("as long as segments come", () => {
    const air = new AirWatch();
    for (let at = 0; at < 100; at += 4) expect(air.isOn(list(at), at * 1_000)).toBe(true);
  });

  test("not when the playlist says that it has ended, or holds nothing yet", () => {
    expect(new AirWatch().isOn(list(5, true), 0)).toBe(false);
    expect(new AirWatch().isOn(list(-1), 0)).toBe(false);
  });

  test("not when it stands still for 20 s or four targets", () => {
    const air = new AirWatch();
    expect(air.isOn(list(5), 0)).toBe(true);
    expect(air.isOn(list(5), 19_999)).toBe(true);
    expect(air.isOn(list(5), 20_000)).toBe(false);
    const slow = new AirWatch();
    expect(slow.isOn({ ...list(5), targetS: 10 }, 0)).toBe(true);
    expect(slow.isOn({ ...list(5), targetS: 10 }, 39_999)).toBe(true);
    expect(slow.isOn({ ...list(5), targetS: 10 }, 40_000)).toBe(false);
  });

  test("again when the next broadcast begins, from whatever number", () => {
    const air = new AirWatch();
    air.isOn(list(5), 0);
    air.isOn(list(5), 30_000);
    expect(air.isOn(list(5), 60_000)).toBe(false);
    expect(air.isOn(list(0), 61_000)).toBe(true);
    expect(air.isOn(list(1), 65_000)).toBe(true);
  });
});
