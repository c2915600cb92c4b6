/** Codes of a rejection (`moderation/review/reasons.py`) and the keys that pick them. Pure. */
import { gravity } from "./highlights";
import type { CardView } from "./types";

export type Code =
  | "abuse"
  | "advertising"
  | "spam"
  | "off-topic"
  | "sexual"
  | "fraud"
  | "personal-data"
  | "rumour"
  | "unlawful"
  | "violence"
  | "gambling-drugs"
  | "other";

/** By key, the commonest under the left hand. `0` leads to a field for words: "other" needs some. */
export const CODE_KEYS: readonly (readonly [key: string, code: Code])[] = [
  ["1", "abuse"],
  ["2", "advertising"],
  ["3", "spam"],
  ["4", "off-topic"],
  ["5", "sexual"],
  ["6", "fraud"],
  ["7", "personal-data"],
  ["8", "rumour"],
  ["9", "unlawful"],
  ["Q", "violence"],
  ["W", "gambling-drugs"],
  ["0", "other"],
];

/** The lists that are shipped, and what a comment with one of their terms is most often rejected for. */
const OF_CATEGORY: Readonly<Record<string, Code>> = {
  profanity: "abuse",
  harassment: "abuse",
  sexual: "sexual",
  violence: "violence",
  gambling: "gambling-drugs",
  drugs: "gambling-drugs",
  scams: "fraud",
  "personal-data": "personal-data",
  rumours: "rumour",
  regulations: "unlawful",
};

/** The code that the gravest hit speaks for; null: none does. The same key twice takes it. */
export function suggestedCode(card: Pick<CardView, "hits">): Code | null {
  const gravest = card.hits.toSorted((a, b) => gravity(b.severity) - gravity(a.severity));
  for (const { category, channel } of gravest) {
    const code = channel === "personal" ? "personal-data" : OF_CATEGORY[category];
    if (code !== undefined) return code;
  }
  return null;
}
