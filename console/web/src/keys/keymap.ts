/** Which key does what for a person: the map, how it changes, and why it may not. Pure. */
import type { Command } from "../api/types";
import { isDigit, letterOf } from "../live/keyboard";

/** What a key of a person's own choice may do. */
export const ACTS = ["cut", "dump", "backup", "restore", "live", "start", "stop", "note", "sound"] as const;
export type Act = (typeof ACTS)[number];

/** The keys of each act: a letter, the name of a function key, or "PAD n" for a gamepad's button n. */
export type Keymap = Readonly<Record<Act, readonly string[]>>;

/** On every desk and for everybody: who takes over another person's place must find it. */
export const CUT_KEY = "X";
export const MOST_KEYS = 3;

export const DEFAULT_KEYS: Keymap = {
  cut: [],
  dump: ["D"],
  backup: ["B"],
  restore: ["R"],
  live: ["L"],
  start: ["G"],
  stop: ["E"],
  note: ["N"],
  sound: ["S"],
};

const LETTER = /^[A-Z]$/;
const PAD = /^PAD \d{1,2}$/;
const FUNCTION_KEY = /^F\d{1,2}$/;
/** Function keys that browsers use: help, find, reload, address bar, caret browsing, full screen, developer tools. */
const BROWSER = new Set(["F1", "F3", "F5", "F6", "F7", "F11", "F12"]);
/** Letters that a screen with these keys uses for something that is not in the map. */
const PAGE_LETTERS = new Set(["A", "H", "I", "K", "M", "O", "P", "T", "U", "V"]); // area; duty; marks, mute, tone, veil, review player, undo

/** The name of a key as the map holds it; "" for one that no map can hold. */
export function keyName(event: Pick<KeyboardEvent, "key" | "code">): string {
  if (PAD.test(event.key) || FUNCTION_KEY.test(event.key)) return event.key;
  return letterOf(event);
}

/** What a pressed key does; null: nothing of the map. */
export function actOf(keymap: Keymap, key: string): Act | null {
  if (key === CUT_KEY) return "cut";
  return ACTS.find((act) => keymap[act].includes(key)) ?? null;
}

/** All keys of an act, the fixed one first; a command that is no act of a key has none. */
export function keysOf(keymap: Keymap, act: Act | Command): readonly string[] {
  if (!isAct(act)) return [];
  return act === "cut" ? [CUT_KEY, ...keymap.cut] : keymap[act];
}

function isAct(act: string): act is Act {
  return (ACTS as readonly string[]).includes(act);
}

export function isCommand(act: Act): act is Act & Command {
  return act !== "note" && act !== "sound";
}

/** Why a key cannot be given to an act. `taken`: it does that already. */
export type Conflict =
  | { why: "taken"; by: Act }
  | { why: "always_cut" | "channels" | "browser" | "page" | "unknown" | "too_many" };

/** Adds a key to an act. */
export function assign(keymap: Keymap, act: Act, key: string): Keymap | Conflict {
  if (key === CUT_KEY) return { why: "always_cut" };
  if (isDigit(key)) return { why: "channels" };
  if (BROWSER.has(key)) return { why: "browser" };
  if (PAGE_LETTERS.has(key)) return { why: "page" };
  if (!LETTER.test(key) && !PAD.test(key) && !FUNCTION_KEY.test(key)) return { why: "unknown" };
  const by = actOf(keymap, key);
  if (by !== null) return { why: "taken", by };
  if (keysOf(keymap, act).length >= MOST_KEYS) return { why: "too_many" };
  return { ...keymap, [act]: [...keymap[act], key] };
}

export function remove(keymap: Keymap, act: Act, key: string): Keymap {
  return { ...keymap, [act]: keymap[act].filter((one) => one !== key) };
}

export function isConflict(result: Keymap | Conflict): result is Conflict {
  return "why" in result;
}

/** A map as it was stored. What no longer may be (a key given twice, a reserved one) is left out: the first one counts. */
export function readKeymap(stored: unknown): Keymap {
  if (typeof stored !== "object" || stored === null) return DEFAULT_KEYS;
  let keymap: Keymap = { cut: [], dump: [], backup: [], restore: [], live: [], start: [], stop: [], note: [], sound: [] };
  for (const act of ACTS) {
    const keys: unknown = (stored as Record<string, unknown>)[act];
    for (const key of Array.isArray(keys) ? keys : DEFAULT_KEYS[act]) {
      const next = assign(keymap, act, String(key));
      if (!isConflict(next)) keymap = next;
    }
  }
  return keymap;
}
