import { describe, expect, test } from "vitest";
import { ACTS, actOf, assign, type Conflict, DEFAULT_KEYS, isConflict, type Keymap, keyName, keysOf, readKeymap, remove } from "./keymap";

const press = (key: string, code = "") => keyName({ key, code });
const given = (act: (typeof ACTS)[number], key: string, keymap: Keymap = DEFAULT_KEYS): Keymap => {
  const next = assign(keymap, act, key);
  if (isConflict(next)) throw new Error(next.why);
  return next;
};
const refused = (act: (typeof ACTS)[number], key: string, keymap: Keymap = DEFAULT_KEYS): Conflict => {
  const next = assign(keymap, act, key);
  if (!isConflict(next)) throw new Error("assigned");
  return next;
};

describe("the name of a key", () => {
  test("letters, also with an input method on", () => {
    expect(press("d", "KeyD")).toBe("D");
    expect(press("Process", "KeyD")).toBe("D");
  });

  test("function keys and buttons of a gamepad", () => {
    expect(press("F8", "F8")).toBe("F8");
    expect(press("PAD 12")).toBe("PAD 12");
  });

  test("others have none", () => {
    expect([press("Enter", "Enter"), press(" ", "Space"), press("ArrowUp", "ArrowUp")]).toEqual(["", "", ""]);
  });
});

describe("what a key does", () => {
  test("as shipped", () => {
    expect(["X", "D", "B", "R", "L", "G", "E", "N", "S", "Q"].map((key) => actOf(DEFAULT_KEYS, key))).toEqual([
      "cut", "dump", "backup", "restore", "live", "start", "stop", "note", "sound", null,
    ]);
  });

  test("X cuts, whatever a map says", () => {
    expect(actOf({ ...DEFAULT_KEYS, stop: ["X"] }, "X")).toBe("cut");
    expect(actOf(readKeymap({ stop: ["X"], cut: [] }), "X")).toBe("cut");
  });

  test("a key that was added, beside the others", () => {
    const keymap = given("cut", "F8", given("cut", "PAD 0"));
    expect(keysOf(keymap, "cut")).toEqual(["X", "PAD 0", "F8"]);
    expect([actOf(keymap, "PAD 0"), actOf(keymap, "F8"), actOf(keymap, "X")]).toEqual(["cut", "cut", "cut"]);
  });

  test("a key that was taken away does nothing", () => {
    expect(actOf(remove(DEFAULT_KEYS, "dump", "D"), "D")).toBeNull();
  });
});

describe("conflicts are named", () => {
  test("what the key does already", () => {
    expect(refused("dump", "R")).toEqual({ why: "taken", by: "restore" });
    expect(refused("dump", "D")).toEqual({ why: "taken", by: "dump" });
  });

  test("what cannot be given away", () => {
    expect(["X", "4", "F5", "I", "M", "Enter", ""].map((key) => refused("live", key).why)).toEqual([
      "always_cut", "channels", "browser", "page", "page", "unknown", "unknown",
    ]);
  });

  test("no more than three", () => {
    const full = given("dump", "F9", given("dump", "F8"));
    expect(refused("dump", "F10", full)).toEqual({ why: "too_many" });
  });
});

describe("a stored map", () => {
  test("comes back as it was", () => {
    const keymap = given("cut", "PAD 3", remove(DEFAULT_KEYS, "stop", "E"));
    expect(readKeymap(JSON.parse(JSON.stringify(keymap)))).toEqual(keymap);
  });

  test("none, or none of ours: as shipped", () => {
    expect([readKeymap(null), readKeymap("x"), readKeymap({})]).toEqual([DEFAULT_KEYS, DEFAULT_KEYS, DEFAULT_KEYS]);
  });

  test("no key ever does two things", () => {
    const keymap = readKeymap({ dump: ["Q"], backup: ["Q", "5", "X"], restore: ["R"] });
    expect(keymap.dump).toEqual(["Q"]);
    expect(keymap.backup).toEqual([]);
    const all = ACTS.flatMap((act) => keymap[act]);
    expect(all).toHaveLength(new Set(all).size);
  });
});
