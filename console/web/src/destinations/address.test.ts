import { expect, test } from "vitest";
import { isHls } from "./address";

test.each([
  ["hls:", true],
  [" hls: ", true],
  ["hls", false],
  ["hls:x", false],
  ["rtmp://hls:1935/app/key", false],
  ["", false],
])("%j is the channel's own HLS files: %s", (url, expected) => {
  expect(isHls(url)).toBe(expected);
});
