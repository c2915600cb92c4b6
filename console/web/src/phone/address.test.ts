import { expect, test } from "vitest";
import { phoneChannel } from "./address";

test("the page's addresses, and no others", () => {
  expect(["/m", "/m/", "/m/main%20hall", "/m/%E0%A4%A"].map(phoneChannel)).toEqual(["", "", "main hall", ""]);
  expect(["/", "/multiview", "/live/m"].map(phoneChannel)).toEqual([null, null, null]);
});
