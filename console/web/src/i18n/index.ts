/** The language in force: the browser's at first, then the last one chosen. */
import { create } from "zustand";
import { en } from "./en";
import type { Language, Strings } from "./strings";
import { zh } from "./zh";

export { type Language, say, type Strings } from "./strings";

const KEY = "streamgate.language";
export const languages: Record<Language, Strings> = { zh, en };

function firstLanguage(): Language {
  const kept = window.localStorage.getItem(KEY);
  if (kept === "zh" || kept === "en") return kept;
  return window.navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

const useLanguageStore = create<{ language: Language }>()(() => ({ language: firstLanguage() }));

export function setLanguage(language: Language): void {
  window.localStorage.setItem(KEY, language);
  useLanguageStore.setState({ language });
}

export function useLanguage(): Language {
  return useLanguageStore((state) => state.language);
}

export function useText(): Strings {
  return languages[useLanguage()];
}
