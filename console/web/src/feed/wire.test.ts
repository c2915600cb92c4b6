import { expect, test } from "vitest";
import { readEvent } from "./wire";

const BODY = '{"id":7,"author":"校友","text":"<b>&amp;</b>","at_media_s":null,"published_at":1700.5}';

test("a comment is read as it was written", () => {
  expect(readEvent("publish", BODY, "12")).toEqual({
    type: "publish",
    seq: 12,
    comment: { id: 7, author: "校友", text: "<b>&amp;</b>", publishedAt: 1700.5, bullet: false },
  });
});

test("a bullet says so, in so many words", () => {
  for (const [said, bullet] of [["true", true], ['"yes"', false]] as const) {
    expect(readEvent("publish", BODY.replace("}", `,"bullet":${said}}`), "12")).toMatchObject({ comment: { bullet } });
  }
});

test("a retraction names its comment", () => {
  expect(readEvent("retract", '{"id":7}', "13")).toEqual({ type: "retract", seq: 13, id: 7 });
});

test("what is open has no number, and what is not said to be open is closed", () => {
  expect(readEvent("interaction", '{"comments":true,"bullets":"yes"}', undefined)).toEqual({
    type: "interaction",
    interaction: { comments: true, bullets: false, sharing: false },
  });
});

test.each([
  ["publish", BODY, undefined],
  ["publish", BODY, "0"],
  ["publish", BODY, "a"],
  ["publish", '{"id":7,"author":"a","text":5,"published_at":1}', "12"],
  ["publish", '{"id":"7"}', "12"],
  ["publish", "[1]", "12"],
  ["publish", "{", "12"],
  ["message", BODY, "12"],
  [undefined, BODY, "12"],
])("what has another shape is passed over: %s %s %s", (name, data, id) => {
  expect(readEvent(name, data, id)).toBeNull();
});
