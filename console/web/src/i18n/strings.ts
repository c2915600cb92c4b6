/** The shape of a language: the keys of English, with any wording. */
import type { en } from "./en";

type Wording<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Wording<T[K]> };

export type Strings = Wording<typeof en>;
export type Language = "zh" | "en";
