/** The three ways in which the overlay shows comments. None of them keeps more than it shows, and a bounded queue. */
import { Bullets } from "../feed/bullets";
import type { Comment } from "../feed/wire";
import { makeItem } from "./item";
import type { Look } from "./look";
import { Rounds } from "./rounds";

export interface View {
  add: (comment: Comment) => void;
  /** Takes a comment back, wherever it is. */
  remove: (id: number) => void;
  clear: () => void;
}

/** `published`: the newest published comments, for what shows them again. */
export function openView(stage: HTMLElement, look: Look, published: () => readonly Comment[]): View {
  switch (look.style) {
    case "bullet":
      return bulletView(stage, look);
    case "list":
      return new ListView(stage, look);
    case "ticker":
      return new TickerView(stage, look, published);
  }
}

function bulletView(stage: HTMLElement, look: Look): View {
  const bullets = new Bullets(stage, look);
  return {
    add: ({ id, author, text }) => bullets.push(id, look.authors && author !== "" ? `${author}  ${text}` : text),
    remove: (id) => bullets.remove(id),
    clear: () => bullets.clear(),
  };
}

const LIST_TICK_MS = 500;

class ListView implements View {
  readonly #stage: HTMLElement;
  readonly #look: Look;
  readonly #shown = new Map<number, { element: HTMLElement; until: number }>(); // in their order

  constructor(stage: HTMLElement, look: Look) {
    this.#stage = stage;
    this.#look = look;
    if (look.seconds > 0) window.setInterval(() => this.#expire(), LIST_TICK_MS);
  }

  add(comment: Comment): void {
    this.remove(comment.id);
    const element = makeItem("p", comment, this.#look.authors);
    this.#stage.append(element);
    this.#shown.set(comment.id, { element, until: performance.now() + this.#look.seconds * 1_000 });
    for (const id of [...this.#shown.keys()].slice(0, -this.#look.rows)) this.remove(id);
  }

  remove(id: number): void {
    this.#shown.get(id)?.element.remove();
    this.#shown.delete(id);
  }

  clear(): void {
    for (const id of this.#shown.keys()) this.remove(id);
  }

  #expire(): void {
    const now = performance.now();
    for (const [id, { until }] of this.#shown) if (until < now) this.remove(id);
  }
}

const GAP = 2; // between two comments, in heights of a letter
const LOOK_AGAIN_MS = 500;

class TickerView implements View {
  readonly #stage: HTMLElement;
  readonly #look: Look;
  readonly #published: () => readonly Comment[];
  readonly #rounds = new Rounds();
  readonly #shown = new Set<{ id: number; element: HTMLElement }>();

  constructor(stage: HTMLElement, look: Look, published: () => readonly Comment[]) {
    this.#stage = stage;
    this.#look = look;
    this.#published = published;
    this.#step();
  }

  add(comment: Comment): void {
    this.#rounds.push(comment);
  }

  remove(id: number): void {
    this.#rounds.drop(id);
    for (const one of this.#shown) if (one.id === id) this.#end(one);
  }

  clear(): void {
    for (const one of this.#shown) this.#end(one);
  }

  /** Sends the next comment on its way, as soon as the one before has come in whole. */
  #step(): void {
    const comment = document.hidden ? null : this.#rounds.next(this.#published(), this.#look.rows);
    const waitMs = comment === null ? LOOK_AGAIN_MS : this.#run(comment);
    window.setTimeout(() => this.#step(), waitMs);
  }

  /** Returns after how many milliseconds the next one may follow. */
  #run(comment: Comment): number {
    const element = makeItem("p", comment, this.#look.authors);
    this.#stage.append(element);
    const width = this.#stage.clientWidth;
    const perMs = Math.max(1, width) / (this.#look.seconds * 1_000);
    const own = element.offsetWidth;
    const shown = { id: comment.id, element };
    this.#shown.add(shown);
    const way = [{ transform: `translateX(${width}px)` }, { transform: `translateX(${-own}px)` }];
    element.animate(way, { duration: (width + own) / perMs, fill: "both" }).addEventListener("finish", () => this.#end(shown));
    return (own + GAP * this.#look.size) / perMs;
  }

  #end(one: { id: number; element: HTMLElement }): void {
    one.element.remove();
    this.#shown.delete(one);
  }
}
