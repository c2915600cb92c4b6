/** Which comment the ticker shows next. Pure. */
import type { Comment } from "../feed/wire";

/** New comments that wait for their turn; with more, the oldest goes round later or not at all. */
export const WAITING = 60;

export class Rounds {
  #waiting: Comment[] = [];
  #last = 0;

  push(comment: Comment): void {
    this.#waiting = [...this.#waiting.slice(Math.max(0, this.#waiting.length - WAITING + 1)), comment];
  }

  drop(id: number): void {
    this.#waiting = this.#waiting.filter((comment) => comment.id !== id);
  }

  /** New ones first; then the newest published ones go round, `most` of them, the oldest of those first. */
  next(published: readonly Comment[], most: number): Comment | null {
    const fresh = this.#waiting.shift();
    if (fresh !== undefined) {
      this.#last = fresh.id;
      return fresh;
    }
    const round = published.slice(-most);
    const at = round.findIndex((comment) => comment.id === this.#last);
    const next = round[(at + 1) % Math.max(1, round.length)] ?? null;
    this.#last = next?.id ?? 0;
    return next;
  }
}
