import { expect, test } from "vitest";
import { isDigit, letterOf } from "./keyboard";

test.each([
  ["the letter typed", { key: "x", code: "KeyX" }, "X"],
  ["the letter typed on another layout", { key: "x", code: "KeyB" }, "X"],
  ["the place, while an input method composes", { key: "Process", code: "KeyX" }, "X"],
  ["the place, in another script", { key: "ч", code: "KeyX" }, "X"],
  ["a digit", { key: "2", code: "Digit2" }, "2"],
  ["a digit of the number pad", { key: "2", code: "Numpad2" }, "2"],
  ["no letter", { key: "Enter", code: "Enter" }, ""],
])("%s", (_, event, letter) => {
  expect(letterOf(event)).toBe(letter);
});

test("digits are picks", () => {
  expect(["0", "9", "", "A", "12"].filter(isDigit)).toEqual(["0", "9"]);
});
