import { expect, test } from "vitest";
import { breaksRule, judge } from "./passwordRules";

test("length counts characters as the console does, not UTF-16 units", () => {
  expect(judge("", [])).toEqual({ chars: 0, length: "open", name: "open" });
  expect(judge("harbour lam", []).length).toBe("open");
  expect(judge("harbour lamp", []).length).toBe("met");
  expect(judge("🚢🚢🚢🚢🚢🚢", []).chars).toBe(6);
  expect(judge("e\u0301", []).chars).toBe(1); // composed: NFKC
  expect(judge("x".repeat(257), []).length).toBe("broken");
});

test("the own name may not stand in it, however it is written", () => {
  for (const password of ["Ann-Marie's lamp", "the ＡＮＮ-marie lamp", "ann-marie"]) {
    expect(judge(password, ["Ann-Marie"]).name).toBe("broken");
  }
  expect(judge("harbour lamp seven", ["Ann-Marie"]).name).toBe("met");
  expect(judge("王芳的十二个字的密码啊啊", ["王芳"]).name).toBe("broken");
  expect(judge("al dente pasta now", ["al", ""]).name).toBe("met"); // two letters stand in too many words
});

test("what breaks a rule is not sent", () => {
  expect(breaksRule(judge("harbour lamp seven", ["ann"]))).toBe(false);
  expect(breaksRule(judge("short", []))).toBe(true);
  expect(breaksRule(judge("harbour lamp of ann", ["ann"]))).toBe(true);
});
