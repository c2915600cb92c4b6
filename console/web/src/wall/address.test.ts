import { expect, test } from "vitest";
import { wallAddress } from "./address";

test("no wall unless it is asked for", () => {
  expect([wallAddress("/live/main", ""), wallAddress("/live/main", "?walls")]).toEqual([null, null]);
});

test("the channel of the address, or none", () => {
  expect(wallAddress("/live/main%20hall", "?wall")).toEqual({ channel: "main hall", all: false });
  expect(wallAddress("/", "?wall=")).toEqual({ channel: "", all: false });
  expect(wallAddress("/live/%E0%A4%A", "?wall")).toEqual({ channel: "", all: false });
});

test("all channels", () => {
  expect(wallAddress("/live/main", "?wall=all")).toEqual({ channel: "main", all: true });
});
