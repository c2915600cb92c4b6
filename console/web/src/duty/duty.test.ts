import { describe, expect, it } from "vitest";
import { channel } from "../api/fixtures";
import type { DutyStatus } from "../api/types";
import { fieldOf, partOf, timeOf, wanted } from "./duty";

const base = channel().duty;
const withDuty = (changes: Partial<DutyStatus>) => channel({ duty: { ...base, ...changes } });
const ann = { user: "ann", name: "安娜", since: 0, until: 9, broadcast: "", operates: true, quiet_s: 1, to: "", note: "" };

describe("duty", () => {
  it("puts channels at which nobody is first", () => {
    const channels = [withDuty({ state: "there" }), withDuty({ state: "asked" }), withDuty({ state: "absent" }), withDuty({ state: "covered" })];
    expect(wanted(channels).map(({ duty }) => duty.state)).toEqual(["covered", "absent", "asked"]);
  });

  it("knows what somebody can do", () => {
    const { duty } = withDuty({ people: [{ ...ann, to: "ben", note: "x" }] });
    expect(partOf(duty, "ben")).toEqual({ kind: "offered_to_me", from: duty.people[0] });
    expect(partOf(duty, "ann")).toEqual({ kind: "offered", to: "ben" });
    expect(partOf(withDuty({ people: [ann] }).duty, "ann").kind).toBe("on_duty");
    expect(partOf(duty, "carl").kind).toBe("off_duty");
  });

  it("reads and writes times of a field", () => {
    expect(timeOf("")).toBeNull();
    expect(timeOf(fieldOf(1_800_000_000_000))).toBe(1_800_000_000);
  });
});
