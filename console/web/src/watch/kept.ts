/** What the viewer chose, kept in this browser; where it keeps nothing, for as long as the page is open. */
import { useCallback, useState } from "react";

export type Language = "zh" | "en";

export interface Choices {
  language: Language;
  bullets: boolean;
  comments: boolean;
  /** 0 to 1. */
  volume: number;
}

const KEY = "streamgate.watch";

/** Choices out of what was kept (any text); what is missing or odd is as at first. */
export function readChoices(kept: string | null, first: Choices): Choices {
  const said = parse(kept);
  const flag = (name: keyof Choices, otherwise: boolean): boolean => {
    const value = said[name];
    return typeof value === "boolean" ? value : otherwise;
  };
  const { language, volume } = said;
  return {
    language: language === "zh" || language === "en" ? language : first.language,
    bullets: flag("bullets", first.bullets),
    comments: flag("comments", first.comments),
    volume: typeof volume === "number" && volume >= 0 && volume <= 1 ? volume : first.volume,
  };
}

export function useChoices(): [Choices, (change: Partial<Choices>) => void] {
  const [choices, setChoices] = useState(() => readChoices(load(), firstChoices()));
  const choose = useCallback((change: Partial<Choices>) => {
    setChoices((before) => {
      const next = { ...before, ...change };
      save(JSON.stringify(next));
      return next;
    });
  }, []);
  return [choices, choose];
}

function firstChoices(): Choices {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const language = window.navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  return { language, bullets: !calm, comments: true, volume: 1 };
}

function parse(kept: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(kept ?? "{}");
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function load(): string | null {
  try {
    return window.localStorage.getItem(KEY);
  } catch {
    return null; // storage may be forbidden
  }
}

function save(text: string): void {
  try {
    window.localStorage.setItem(KEY, text);
  } catch {
    // the choice holds for this page
  }
}
