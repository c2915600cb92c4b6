/**
 * Comments that cross the picture (弹幕), with `danmaku`: it gives each a free line and moves it.
 *
 * Two things it cannot do are done here. It keeps every comment it was ever given: after `PER_ENGINE` the next ones go
 * to a new engine, and the old one ends with its last comment. It cannot take one back: the element is ours.
 */
import Danmaku from "danmaku";
import styles from "./bullets.module.css";
import { Pacer } from "./pacer";

const PER_ENGINE = 500;
const TICK_MS = 100;
const FADED_MS = 1_000; // an engine is kept a little longer than its last comment needs

export interface Look {
  /** How long a comment takes to cross the picture. */
  seconds: number;
  rows: number;
}

interface Layer {
  engine: Danmaku;
  host: HTMLElement;
  given: number;
  lastAt: number;
}

interface Flying {
  element: HTMLElement;
  until: number;
}

export class Bullets {
  readonly #stage: HTMLElement;
  readonly #crossMs: number;
  readonly #pacer: Pacer;
  readonly #resized: ResizeObserver;
  readonly #timer: number;
  readonly #flying = new Map<number, Flying>();
  #layers: Layer[] = [];

  /** `stage`: an element of `rows` lines' height at least, over the picture; what lies in it is ours. */
  constructor(stage: HTMLElement, look: Look) {
    this.#stage = stage;
    this.#crossMs = look.seconds * 1_000;
    this.#pacer = new Pacer(this.#crossMs, look.rows);
    this.#resized = new ResizeObserver(() => this.#fit());
    this.#resized.observe(stage);
    this.#timer = window.setInterval(() => this.#tick(), TICK_MS);
  }

  push(id: number, text: string, own = false): void {
    if (document.hidden) return; // nobody looks; later it is no longer of that moment
    this.#pacer.push({ id, text, own });
    this.#tick();
  }

  /** Takes a comment back, wherever it is. */
  remove(id: number): void {
    this.#pacer.drop(id);
    this.#flying.get(id)?.element.remove();
    this.#flying.delete(id);
  }

  clear(): void {
    this.#pacer.clear();
    this.#flying.clear();
    for (const layer of this.#layers) end(layer);
    this.#layers = [];
  }

  close(): void {
    window.clearInterval(this.#timer);
    this.#resized.disconnect();
    this.clear();
  }

  #tick(): void {
    const now = performance.now();
    for (const [id, { until }] of this.#flying) if (until < now) this.#flying.delete(id);
    this.#endOld(now);
    const flight = this.#pacer.next(now);
    if (flight === null) return;
    const element = document.createElement("bdi"); // its direction does not reach beyond it
    element.className = flight.own ? `${styles["bullet"]} ${styles["own"]}` : (styles["bullet"] ?? "");
    element.textContent = flight.text;
    const layer = this.#layer();
    layer.given += 1;
    layer.lastAt = now;
    layer.engine.emit({ render: () => element });
    this.#flying.set(flight.id, { element, until: now + this.#crossMs + FADED_MS });
  }

  #layer(): Layer {
    const newest = this.#layers.at(-1);
    if (newest !== undefined && newest.given < PER_ENGINE) return newest;
    const host = document.createElement("div");
    host.className = styles["layer"] ?? "";
    this.#stage.append(host);
    const layer = { engine: new Danmaku({ container: host, speed: this.#speed() }), host, given: 0, lastAt: 0 };
    this.#layers.push(layer);
    return layer;
  }

  #endOld(now: number): void {
    const newest = this.#layers.at(-1);
    const over = (layer: Layer): boolean => layer !== newest && layer.lastAt + this.#crossMs + FADED_MS < now;
    for (const layer of this.#layers.filter(over)) end(layer);
    this.#layers = this.#layers.filter((layer) => !over(layer));
  }

  #fit(): void {
    for (const { engine } of this.#layers) {
      engine.speed = this.#speed();
      engine.resize();
    }
  }

  /** Pixels a second. */
  #speed(): number {
    return Math.max(1, this.#stage.offsetWidth / (this.#crossMs / 1_000));
  }
}

function end({ engine, host }: Layer): void {
  engine.destroy();
  host.remove();
}
