import { describe, expect, it } from "vitest";
import { may } from "./may";
import type { Right } from "./types";

const rights = (everywhere: Right[], main: Right[]) => ({ rights: everywhere, channel_rights: { main } });

describe("may", () => {
  it("counts a role for all channels on each of them", () => {
    expect(may(rights(["backup:upload"], []), "backup:upload", "hall")).toBe(true);
    expect(may(rights(["backup:upload"], []), "backup:upload")).toBe(true);
  });

  it("counts a role for one channel there alone", () => {
    const operator = rights([], ["backup:upload"]);
    expect(may(operator, "backup:upload", "main")).toBe(true);
    expect(may(operator, "backup:upload", "hall")).toBe(false);
    expect(may(operator, "backup:upload")).toBe(true);
    expect(may(operator, "channel:settings")).toBe(false);
  });

  it("lets nobody do anything who is not there", () => {
    expect(may(null, "channel:view")).toBe(false);
    expect(may(undefined, "channel:view", "main")).toBe(false);
  });
});
