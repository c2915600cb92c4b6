/** A comment before it is sent: its length, its name, and how long to wait. Pure. */

/** A nickname has at most so many characters (moderation/public/viewers.py). */
export const NICKNAME_CHARS = 20;

/** Length as the server counts it: code points, and no spaces around. */
export function countChars(text: string): number {
  return Array.from(text.trim()).length;
}

export type Flaw = { kind: "empty" } | { kind: "too_long"; over: number } | { kind: "wait"; seconds: number };

/** Why this text cannot be sent now; null when it can. `until`, `now`: milliseconds of one clock. */
export function flawOf(text: string, most: number, until: number, now: number): Flaw | null {
  const length = countChars(text);
  if (length === 0) return { kind: "empty" };
  if (length > most) return { kind: "too_long", over: length - most };
  if (now < until) return { kind: "wait", seconds: Math.ceil((until - now) / 1_000) };
  return null;
}

export interface Draft {
  clientId: string;
  text: string;
  /** It is to cross the picture (弹幕). */
  bullet: boolean;
  /** When the moment aired that the viewer saw: seconds since the epoch; null: no telling. */
  seenAt: number | null;
}

/** What is written now: as the viewer chose, as far as that is open. */
export function isBullet(wanted: boolean, open: { comments: boolean; bullets: boolean }): boolean {
  return open.bullets && (wanted || !open.comments);
}

/**
 * The name of what is sent now. A text that may have arrived already keeps its name when it is sent once more, so that
 * it counts once; another text, or the same in another place, gets another one.
 */
export function nameDraft(before: Draft | null, written: Omit<Draft, "clientId">, fresh: () => string): Draft {
  const same = before !== null && before.text === written.text && before.bullet === written.bullet;
  return same ? before : { clientId: fresh(), ...written };
}

/** 128 bits by chance. (crypto.randomUUID is there under HTTPS only.) */
export function freshName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
