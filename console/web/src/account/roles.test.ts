import { expect, test } from "vitest";
import { roleInWords } from "./roles";
import { en, zh } from "./strings";

test("a role is told with what it may do and where", () => {
  expect(roleInWords("auditor", en)).toBe("auditor: sees everything, changes nothing");
  expect(roleInWords("operator@main", en)).toContain("on channel main only");
  expect(roleInWords("operator@main", zh)).toBe("操作员：观看、切断、丢弃、备用、回到直播；互动开关（仅频道 main）");
  expect(roleInWords("king@hall", en)).toBe("king; on channel hall only");
});

test("both languages know the same roles", () => {
  expect(Object.keys(zh.roleNames)).toEqual(Object.keys(en.roleNames));
});
