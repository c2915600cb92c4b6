import { expect, test } from "vitest";
import { type Choices, readChoices } from "./kept";

const FIRST: Choices = { language: "en", bullets: true, comments: true, volume: 1 };

test("what was chosen stays chosen", () => {
  const chosen: Choices = { language: "zh", bullets: false, comments: false, volume: 0.3 };
  expect(readChoices(JSON.stringify(chosen), FIRST)).toEqual(chosen);
});

test("what was not chosen is as at first", () => {
  expect(readChoices(null, FIRST)).toEqual(FIRST);
  expect(readChoices('{"bullets":false}', FIRST)).toEqual({ ...FIRST, bullets: false });
});

test.each(["{", "7", "null", '"zh"', "[]", '{"language":"fr","bullets":"no","volume":7}'])("odd things are as at first: %s", (kept) => {
  expect(readChoices(kept, FIRST)).toEqual(FIRST);
});
