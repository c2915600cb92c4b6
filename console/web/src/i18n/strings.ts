/** The shape of a language: the keys of English, with any wording. */
import type { en } from "./en";

export type Wording<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Wording<T[K]> };

export type Strings = Wording<typeof en>;
export type Language = "zh" | "en";

/** The sentence in the language in force, of a pair the server sends; the English one when there is no other. */
export function say(language: Language, english: string, chinese: string): string {
  return language === "zh" && chinese !== "" ? chinese : english;
}
