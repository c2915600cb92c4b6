/** When each comment sets out across the picture. Pure; times: milliseconds of one clock. */

/** Comments that wait to set out. With more, the oldest of them crosses no more: it stands in the list. */
export const WAITING = 60;

export interface Flight {
  id: number;
  text: string;
  own: boolean;
}

export class Pacer {
  readonly #everyMs: number;
  #waiting: Flight[] = [];
  #nextAt = Number.NEGATIVE_INFINITY;

  /** `crossMs`: how long a comment crosses the picture; `rows`: lines that it may take. About three share one. */
  constructor(crossMs: number, rows: number) {
    this.#everyMs = crossMs / (rows * 3);
  }

  push(flight: Flight): void {
    this.#waiting = [...this.#waiting.slice(Math.max(0, this.#waiting.length - WAITING + 1)), flight];
  }

  drop(id: number): void {
    this.#waiting = this.#waiting.filter((flight) => flight.id !== id);
  }

  clear(): void {
    this.#waiting = [];
  }

  /** Returns the one that sets out now; null when none does. */
  next(now: number): Flight | null {
    if (now < this.#nextAt) return null;
    const flight = this.#waiting.shift();
    if (flight === undefined) return null;
    this.#nextAt = now + this.#everyMs;
    return flight;
  }
}
