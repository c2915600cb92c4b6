/** What is asked before an act, as a question with keys for its answers. Pure. */
import type { Strings } from "../i18n";
import type { Card } from "./cards";
import { CODE_KEYS, type Code, suggestedCode } from "./reasons";

export type Panel =
  | { kind: "reject"; cards: readonly Card[] }
  | { kind: "hold" | "release" | "restore" | "retract"; card: Card }
  | { kind: "ban"; card: Card; span: keyof typeof SPANS | null }
  | { kind: "term"; term: string; category: string };

/** Leads to the field for one's own words. */
export const OWN_WORDS = "0";
/** Minutes of a ban; 0: until it is lifted. */
export const SPANS = { "1": 10, "2": 60, "3": 24 * 60, "4": 0 } as const;

export interface Pick {
  key: string;
  label: string;
  /** The key that led here takes it, too. */
  again?: string;
}

export interface Menu {
  title: string;
  picks: readonly Pick[];
  /** One's own words are an answer. */
  words: boolean;
}

type Words = Strings["review"];

export function menuOf(panel: Exclude<Panel, { kind: "term" }>, words: Words): Menu {
  switch (panel.kind) {
    case "reject": {
      const [only, ...others] = panel.cards;
      const suggested = only !== undefined && others.length === 0 ? suggestedCode(only) : null;
      const picks = CODE_KEYS.map(([key, code]) => ({
        key,
        label: words.codes[code],
        ...(code === suggested ? { again: "D" } : {}),
      }));
      const title = others.length === 0 ? words.asks.reject : words.asks.rejectMany(panel.cards.length);
      return { title, picks, words: true };
    }
    case "ban":
      if (panel.span === null) return { title: words.asks.banFor(panel.card.author), picks: numbered(words.spans), words: false };
      return { title: words.asks.banWhy(words.spans[panel.span]), picks: numbered(words.picks.ban), words: true };
    case "hold":
    case "release":
    case "restore":
    case "retract":
      return { title: words.asks[panel.kind], picks: numbered(words.picks[panel.kind]), words: true };
  }
}

function numbered(picks: Readonly<Record<string, string>>): Pick[] {
  return Object.entries(picks).map(([key, label]) => ({ key, label }));
}

/** The pick of a key; undefined: it picks nothing. */
export function pickOf(menu: Menu, key: string): Pick | undefined {
  return menu.picks.find((pick) => pick.key === key || pick.again === key);
}

/** The code of a pick of a rejection. */
export function codeOf(key: string): Code {
  return CODE_KEYS.find(([known]) => known === key)?.[1] ?? "other";
}

export function isSpan(key: string): key is keyof typeof SPANS {
  return key in SPANS;
}
