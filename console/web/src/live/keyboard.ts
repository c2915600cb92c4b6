/** Which key was meant, on any keyboard layout and with a Chinese input method on. */

const TYPING = new Set(["text", "search", "url", "tel", "email", "password", "number", "date", "time"]);

/** "X" or "1" for the key pressed: the letter it types, or (input method, other script) the one printed at its place. */
export function letterOf(event: Pick<KeyboardEvent, "key" | "code">): string {
  if (/^[a-z0-9]$/i.test(event.key)) return event.key.toUpperCase();
  const place = /^(?:Key([A-Z])|(?:Digit|Numpad)([0-9]))$/.exec(event.code);
  return place?.[1] ?? place?.[2] ?? "";
}

export function isDigit(letter: string): boolean {
  return /^[0-9]$/.test(letter);
}

/** Whether keys pressed there are text: letters choose in a list, too. */
export function typesText(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return TYPING.has(target.type);
  if (target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLElement && (target.isContentEditable || target.tagName === "TEXTAREA");
}
