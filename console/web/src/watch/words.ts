/** The words of the language in force. */
import { createContext, useContext } from "react";
import type { Wording } from "../i18n/strings";
import type { Language } from "./kept";
import { en, zh } from "./strings";

export type Words = Wording<typeof en>;

export const WORDS: Record<Language, Words> = { en, zh };
export const LanguageContext = createContext<Language>("en");

export function useWords(): Words {
  return WORDS[useContext(LanguageContext)];
}
