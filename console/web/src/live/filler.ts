import type { Strings } from "../i18n";

/** The built-in standby card. */
export const SLATE = "slate";

/** The channel's second live input. */
export const STANDBY = "standby";

/** The name of a filler as people call it: the built-in card has one in each language, clips have their own. */
export function fillerName(name: string, text: Strings): string {
  if (name === STANDBY) return text.multi.standby;
  return name === SLATE || name === "" ? text.slate : name;
}
