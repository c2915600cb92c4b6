import { describe, expect, test } from "vitest";
import { apart, isOpen, KEPT, type Own, type OwnState, reduceOwn } from "./own";

const own = (id: number, state: OwnState): Own => ({ clientId: `c${id}`, id, text: `comment ${id}`, state });
const NONE: ReadonlySet<number> = new Set();

describe("one's own comments", () => {
  test("stand there at once, and wait when they were accepted", () => {
    const sent = reduceOwn([], { type: "sent", clientId: "c1", text: "hello" });
    expect(sent).toEqual([{ clientId: "c1", id: null, text: "hello", state: "sending" }]);
    expect(reduceOwn(sent, { type: "accepted", clientId: "c1", id: 7, state: "waiting" })).toEqual([
      { clientId: "c1", id: 7, text: "hello", state: "waiting" },
    ]);
  });

  test("that are refused are gone: the text is in the box again", () => {
    expect(reduceOwn([own(1, "waiting"), own(2, "sending")], { type: "refused", clientId: "c2" })).toEqual([own(1, "waiting")]);
  });

  test("that are sent again under the same name stand once", () => {
    const once = reduceOwn([], { type: "sent", clientId: "c1", text: "hello" });
    expect(reduceOwn(once, { type: "sent", clientId: "c1", text: "hello" })).toHaveLength(1);
  });

  test("are as the server says, and what it does not know yet stays", () => {
    const page = [own(1, "waiting"), { ...own(2, "sending"), id: null }];
    expect(reduceOwn(page, { type: "told", own: [own(1, "rejected")] })).toEqual([own(1, "rejected"), page[1]]);
  });

  test("are the newest ones and no more", () => {
    const many = Array.from({ length: KEPT + 5 }, (_, index) => own(index, "waiting"));
    expect(reduceOwn([], { type: "told", own: many })).toEqual(many.slice(5));
    expect(reduceOwn(many.slice(5), { type: "sent", clientId: "x", text: "x" })).toHaveLength(KEPT);
  });
});

describe("apart from the others", () => {
  test("stands what is not published; what is stands among the others", () => {
    const all = [own(1, "waiting"), own(2, "published"), own(3, "rejected"), own(4, "retracted"), own(5, "waiting")];
    expect(apart(all, new Set([5])).map((one) => one.id)).toEqual([1, 3, 4]);
    expect(apart([own(2, "published")], NONE)).toEqual([]);
  });

  test("there is something to learn while one waits", () => {
    expect(isOpen([own(1, "rejected"), own(2, "published"), own(3, "expired"), own(4, "retracted")])).toBe(false);
    expect(isOpen([own(1, "waiting")])).toBe(true);
    expect(isOpen([own(1, "sending")])).toBe(true);
  });
});
