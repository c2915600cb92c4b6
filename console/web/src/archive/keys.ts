/** Which key does what on the Archive screen. Pure. */

export type Act =
  | "play"
  | "back"
  | "ahead"
  | "frameBack"
  | "frame"
  | "slower"
  | "faster"
  | "previous"
  | "next"
  | "in"
  | "out"
  | "export"
  | "hold"
  | "closer"
  | "wider"
  | "search";

/** As they are printed on the buttons. */
export const KEY_OF: Readonly<Record<Act, string>> = {
  play: "K",
  back: "J",
  ahead: "L",
  frameBack: ",",
  frame: ".",
  slower: "[",
  faster: "]",
  previous: "P",
  next: "N",
  in: "I",
  out: "O",
  export: "E",
  hold: "H",
  closer: "+",
  wider: "−",
  search: "/",
};

const BY_LETTER: Readonly<Record<string, Act>> = {
  K: "play",
  J: "back",
  L: "ahead",
  P: "previous",
  N: "next",
  I: "in",
  O: "out",
  E: "export",
  H: "hold",
};
/** By what is typed, and by the key's place: a Chinese input method types ， and 。 there. */
const BY_KEY: Readonly<Record<string, Act>> = {
  " ": "play",
  ",": "frameBack",
  "，": "frameBack",
  ".": "frame",
  "。": "frame",
  "[": "slower",
  "【": "slower",
  "]": "faster",
  "】": "faster",
  "+": "closer",
  "=": "closer",
  "-": "wider",
  "/": "search",
  "、": "search",
};
const BY_PLACE: Readonly<Record<string, Act>> = {
  Comma: "frameBack",
  Period: "frame",
  BracketLeft: "slower",
  BracketRight: "faster",
  Slash: "search",
};

/** `letter`: as `live/keyboard.ts` reads it. */
export function actOf(event: Pick<KeyboardEvent, "key" | "code">, letter: string): Act | null {
  return BY_KEY[event.key] ?? BY_LETTER[letter] ?? (event.key.length > 1 ? (BY_PLACE[event.code] ?? null) : null);
}

export const RATES = [0.25, 0.5, 1, 1.5, 2, 4, 8] as const;

/** The next speed in a direction. */
export function rateBeside(rate: number, direction: 1 | -1): number {
  const place = RATES.findIndex((one) => one >= rate);
  return RATES[Math.min(RATES.length - 1, Math.max(0, (place < 0 ? RATES.length - 1 : place) + direction))] ?? 1;
}
