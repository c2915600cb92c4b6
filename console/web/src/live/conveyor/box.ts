/** The rectangle that a mosaic covers, in shares of the picture, 0 to 1 from the top left corner. Pure. */

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Point {
  x: number;
  y: number;
}

/** Where it is when it is made by key. */
export const FIRST_BOX: Box = { x: 0.35, y: 0.25, w: 0.3, h: 0.3 };
/** What is smaller was a click. */
export const LEAST = 0.02;
/** So far an arrow key moves it, or its corner. */
export const STEP = 0.02;

const within = (value: number, most: number) => Math.min(most, Math.max(0, value));

/** The box between two corners, as much of it as is in the picture. */
export function boxBetween(a: Point, b: Point): Box {
  const x = within(Math.min(a.x, b.x), 1);
  const y = within(Math.min(a.y, b.y), 1);
  return { x, y, w: within(Math.max(a.x, b.x), 1) - x, h: within(Math.max(a.y, b.y), 1) - y };
}

/** The box moved, whole, within the picture. */
export function moved(box: Box, by: Point): Box {
  return { ...box, x: within(box.x + by.x, 1 - box.w), y: within(box.y + by.y, 1 - box.h) };
}

/** The box with its lower right corner moved, within the picture. */
export function sized(box: Box, by: Point): Box {
  return { ...box, w: Math.max(LEAST, within(box.w + by.x, 1 - box.x)), h: Math.max(LEAST, within(box.h + by.y, 1 - box.y)) };
}

export function isTooSmall({ w, h }: Box): boolean {
  return w < LEAST || h < LEAST;
}

const PLACES = 10_000;

/** As the gate takes it. Widened to a share that is written in four places, so that no edge is left uncovered. */
export function wireOf({ x, y, w, h }: Box): [number, number, number, number] {
  const edge = (value: number, round: (value: number) => number) => round(Number((value * PLACES).toFixed(6)));
  const left = edge(x, Math.floor);
  const top = edge(y, Math.floor);
  const right = Math.min(PLACES, edge(x + w, Math.ceil));
  const bottom = Math.min(PLACES, edge(y + h, Math.ceil));
  return [left / PLACES, top / PLACES, (right - left) / PLACES, (bottom - top) / PLACES];
}

const percent = (share: number) => `${(share * 100).toFixed(2)}%`;

/** The same as a style. */
export function placeOf({ x, y, w, h }: Box): { left: string; top: string; width: string; height: string } {
  return { left: percent(x), top: percent(y), width: percent(w), height: percent(h) };
}
