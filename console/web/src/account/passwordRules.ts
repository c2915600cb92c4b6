/** What can be said of a password while it is typed; the console judges the rest when it is saved. Pure. */

/** As the console has them (console/auth/passwords.py). */
export const MIN_CHARS = 12;
export const MAX_CHARS = 256;
const NAME_CHARS = 3; // a shorter name stands in too many words, but for Chinese ones

export type Mark = "open" | "met" | "broken";

export interface Judged {
  chars: number;
  length: Mark;
  name: Mark;
}

/** `names`: the person's own, which a password may not hold. */
export function judge(password: string, names: readonly string[]): Judged {
  const chars = [...password.normalize("NFKC")].length;
  const plain = fold(password);
  const held = names.some((name) => counts(name) && plain.includes(fold(name)));
  return {
    chars,
    length: chars > MAX_CHARS ? "broken" : chars >= MIN_CHARS ? "met" : "open",
    name: held ? "broken" : chars === 0 ? "open" : "met",
  };
}

export function breaksRule({ length, name }: Judged): boolean {
  return length !== "met" || name === "broken";
}

function counts(name: string): boolean {
  const chars = [...name].length;
  return chars >= NAME_CHARS || (chars > 1 && [...name].some((char) => char > "\u007f"));
}

/** Names are the same whatever their case, width or composition. */
function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase().normalize("NFKC");
}
