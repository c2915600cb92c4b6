import { expect, test } from "vitest";
import { agentOf } from "./agent";

const MOZILLA = "Mozilla/5.0";
const KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)";

test.each([
  [`${MOZILLA} (X11; Linux x86_64) ${KHTML} HeadlessChrome/156.0.0.0 Safari/537.36`, "Chrome", "Linux"],
  [`${MOZILLA} (Windows NT 10.0; Win64; x64) ${KHTML} Chrome/156.0 Safari/537.36 Edg/156.0`, "Edge", "Windows"],
  [`${MOZILLA} (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0`, "Firefox", "Windows"],
  [`${MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15`, "Safari", "macOS"],
  [`${MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 CriOS/150.0 Mobile Safari/604.1`, "Chrome", "iOS"],
  [`${MOZILLA} (Linux; Android 15; Pixel) ${KHTML} Chrome/156.0 Mobile Safari/537.36`, "Chrome", "Android"],
  ["python-httpx/0.28", "", ""],
  ["", "", ""],
])("%s", (userAgent, browser, system) => {
  expect(agentOf(userAgent)).toEqual({ browser, system });
});
