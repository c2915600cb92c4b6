import type { Strings } from "../i18n";

/** The built-in standby card. */
export const SLATE = "slate";

/** The name of a filler as people call it: the built-in card has one in each language, clips have their own. */
export function fillerName(name: string, text: Strings): string {
  return name === SLATE || name === "" ? text.slate : name;
}
