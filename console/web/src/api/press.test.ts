import { describe, expect, test } from "vitest";
import { channel } from "./fixtures";
import { askedBy, confirmation, hasKey, whyRefused } from "./press";
import { initialState } from "./reducer";
import type { ChannelStatus, Rights } from "./types";

const CUT = { state: "cut", requested: "cut" } as const;
const NO_ENDS = { from_at: null, to_at: null };
const waiting = (actor: string): Partial<ChannelStatus> => ({
  ...CUT,
  waiting_restore: { actor, reason: "false alarm", lapses_in_s: 47, what: "restore", span: "", ...NO_ENDS },
});

const lift = (actor: string) => ({ waiting_restore: { actor, reason: "checked", lapses_in_s: 40, what: "lift", span: "s1", ...NO_ENDS } });

function rights(main: string[], changes: Partial<Rights> = {}): Rights {
  return { state: "open", rights: [], channel_rights: { main }, ...changes };
}

/** What `ann` knows, with the link up, a cut in force and these rights on channel main. */
function known(held: Rights | null, changes: Partial<ChannelStatus> = CUT) {
  return { ...initialState(0, 0), link: "up" as const, user: "ann", rights: held, channels: [channel(changes)] };
}

describe("a key", () => {
  test("is there on the channels for which the person has the right", () => {
    const operator = rights(["channel:view", "channel:cut"]);
    expect(hasKey(operator, "main", "cut")).toBe(true);
    expect(hasKey(operator, "main", "restore")).toBe(false);
    expect(hasKey(operator, "hall", "cut")).toBe(false);
    expect(hasKey(rights([], { rights: ["channel:cut"] }), "hall", "cut")).toBe(true);
  });

  test("is not shown before the rights were told, yet nothing is held back then", () => {
    expect(hasKey(null, "main", "cut")).toBe(false);
    expect(whyRefused(known(null), "main", "cut")).toBeNull();
  });

  test("without the right is answered in words, and so it is when idle", () => {
    expect(whyRefused(known(rights(["channel:cut"])), "main", "restore")).toBe("no_right");
    expect(whyRefused(known(rights(["channel:cut"])), "main", "cut")).toBeNull();
    const idle = rights(["channel:view", "channel:cut"], { state: "idle" });
    expect(whyRefused(known(idle), "main", "restore")).toBe("idle");
    expect(whyRefused(known(idle), "main", "cut")).toBeNull();
  });

  test("says first what is missing altogether", () => {
    expect(whyRefused({ ...known(rights([])), link: "lost" }, "main", "restore")).toBe("link_lost");
    expect(whyRefused({ ...known(rights([])), gateUp: false }, "main", "restore")).toBe("gate_down");
    expect(whyRefused(known(rights(["channel:dump"])), "main", "dump")).toBe("is_cut");
  });
});

describe("a restore that waits for a second person", () => {
  const director = rights(["channel:restore"]);

  test("is confirmed by anybody else who may restore", () => {
    expect(askedBy(channel(waiting("console:ben")), "ann")).toBe("other");
    expect(whyRefused(known(director, waiting("console:ben")), "main", "restore")).toBeNull();
  });

  test.each(["console:ann", "cli:ann", "console:Ann", "console:ａｎｎ"])("is not confirmed by whoever asked: %s", (actor) => {
    expect(askedBy(channel(waiting(actor)), "ann")).toBe("me");
    expect(whyRefused(known(director, waiting(actor)), "main", "restore")).toBe("waits_second");
  });

  test("and so is a lift or an undo, with the same key, also when no cut is in force", () => {
    expect(whyRefused(known(director, lift("console:ben")), "main", "restore")).toBeNull();
    expect(whyRefused(known(director, lift("console:ann")), "main", "restore")).toBe("waits_second");
    expect(whyRefused(known(rights([]), lift("console:ben")), "main", "restore")).toBe("no_right");
  });

  test.each([
    ["restore", { span: "", ...NO_ENDS }, {}],
    ["lift", { span: "s1", ...NO_ENDS }, { span: "s1" }],
    ["uncut", { span: "s2", ...NO_ENDS }, {}], // the console takes no span for it
    ["move", { span: "s1", from_at: 981.5, to_at: 983 }, { span: "s1", from_at: 981.5, to_at: 983 }], // not its present ends
  ])("is confirmed with what the first person sent: %s", (what, asked, sent) => {
    const request = { actor: "console:ben", reason: "checked", lapses_in_s: 40, what, ...asked };
    expect(confirmation(request)).toStrictEqual({ reason: "checked", ...sent });
  });

  test("is nobody's when none waits", () => {
    expect(askedBy(channel(CUT), "ann")).toBeNull();
    expect(askedBy(undefined, "ann")).toBeNull();
    expect(whyRefused(known(director), "main", "restore")).toBeNull();
  });
});
