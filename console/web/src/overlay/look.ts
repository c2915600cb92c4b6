/** How the overlay looks, as its address says. Pure: each value is checked; one that does not fit is as at first. */

export type Style = "bullet" | "list" | "ticker";

export interface Look {
  style: Style;
  /** #RRGGBB */
  color: string;
  outline: string;
  /** Height of letters, pixels. */
  size: number;
  /** A font's name; "": the page's own. */
  font: string;
  /** bullet: lines from the top; list: comments at once; ticker: newest comments that go round. */
  rows: number;
  /** bullet, ticker: to cross the picture; list: until a comment leaves, 0: when newer ones push it out. */
  seconds: number;
  authors: boolean;
  /** Samples on a pattern, to set the overlay up; never on air. */
  preview: boolean;
}

/** A value that was not taken, and what is allowed. */
export interface Refused {
  name: string;
  allowed: string;
}

const FIRST: Record<Style, Pick<Look, "size" | "rows" | "seconds" | "authors">> = {
  bullet: { size: 42, rows: 8, seconds: 10, authors: false },
  list: { size: 42, rows: 6, seconds: 60, authors: true },
  ticker: { size: 42, rows: 10, seconds: 15, authors: true },
};
const STYLES: readonly Style[] = ["bullet", "list", "ticker"];
const COLOR = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i;
/** Letters of any script, digits, spaces, hyphens, dots: nothing that ends a name in a style sheet. */
const FONT = /^[\p{L}\p{N} .-]{1,64}$/u;
const SIZE = { least: 12, most: 200 };
const ROWS = { least: 1, most: 30 };
const CROSS_S = { least: 3, most: 60 };
const STAY_S = { least: 0, most: 3_600 };

export function readLook(search: string): { look: Look; refused: Refused[] } {
  const said = new URLSearchParams(search);
  const refused: Refused[] = [];
  const read = <T>(name: string, first: T, allowed: string, parse: (text: string) => T | null): T => {
    const text = said.get(name);
    if (text === null || text === "") return first;
    const value = parse(text.trim());
    if (value === null) refused.push({ name, allowed });
    return value ?? first;
  };
  const number = (name: string, first: number, { least, most }: { least: number; most: number }): number =>
    read(name, first, `${least} … ${most}`, (text) => {
      const value = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
      return value >= least && value <= most ? value : null;
    });
  const flag = (name: string, first: boolean): boolean =>
    read(name, first, "1, 0", (text) => (text === "1" ? true : text === "0" ? false : null));
  const color = (name: string, first: string): string =>
    read(name, first, "RRGGBB", (text) => {
      const digits = COLOR.exec(text)?.[1];
      return digits === undefined ? null : `#${digits.length === 3 ? Array.from(digits, (digit) => digit + digit).join("") : digits}`;
    });

  const style = read("style", "bullet", STYLES.join(", "), (text) => STYLES.find((one) => one === text) ?? null);
  const first = FIRST[style];
  const look: Look = {
    style,
    color: color("color", "#ffffff"),
    outline: color("outline", "#000000"),
    size: number("size", first.size, SIZE),
    font: read("font", "", "A-Z a-z 0-9 - .", (text) => (FONT.test(text) ? text : null)),
    rows: Math.floor(number("rows", first.rows, ROWS)),
    seconds: number("seconds", first.seconds, style === "list" ? STAY_S : CROSS_S),
    authors: flag("authors", first.authors),
    preview: flag("preview", false),
  };
  return { look, refused };
}
