import { expect, test } from "vitest";
import { apiPath, channelOf, playlistPath } from "./address";

test.each([
  ["/watch/main", "main"],
  ["/watch/main/", "main"],
  ["/overlay/%E4%B8%BB", "主"],
  ["/watch/%", ""],
  ["/watch/", ""],
  ["/watch.html", ""],
])("the channel of %s is %s", (path, channel) => {
  expect(channelOf(path)).toBe(channel);
});

test("a channel's name cannot leave its place in an address", () => {
  expect(apiPath("../x?y", "published")).toBe("/api/v1/channels/..%2Fx%3Fy/published");
  expect(playlistPath("主")).toBe("/hls/%E4%B8%BB/index.m3u8");
});
