/** Both pictures of the archive on one playhead: what came in, and the same as it aired, one delay later. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Span } from "./days";
import { rateBeside } from "./keys";
import { Reel, type ReelView } from "./reel";
import { nextRecorded } from "./view";

export interface DeckState {
  /** The moment of the recording that is shown; null: none yet. */
  at: number | null;
  /** When that aired, or would have. */
  airedAt: number | null;
  playing: boolean;
  rate: number;
  received: ReelView;
  aired: ReelView;
}

export type Kind = "received" | "aired";

const TICK_MS = 100;
/** The second picture is brought back when it is further off. */
const APART_S = 0.12;
const FAR_S = 1.5;
const BREATH = 0.06;
const IDLE: ReelView = { state: "idle", problem: null };

export class Deck {
  readonly store: StoreApi<DeckState> = createStore(() => ({
    at: null,
    airedAt: null,
    playing: false,
    rate: 1,
    received: IDLE,
    aired: IDLE,
  }));
  readonly #channel: string;
  #received: Reel | null = null;
  #aired: Reel | null = null;
  #timer: number | undefined;
  #wanted: number | null = null;
  #delayAt: (at: number) => number = () => 0;
  #recorded: readonly Span[] = [];

  constructor(channel: string) {
    this.#channel = channel;
  }

  /** Takes both video elements; the answer lets go of them. */
  attach(received: HTMLVideoElement, aired: HTMLVideoElement): () => void {
    this.#received = new Reel(received, this.#address("received"), (view) => this.store.setState({ received: view }));
    this.#aired = new Reel(aired, this.#address("aired"), (view) => this.store.setState({ aired: view }));
    const ended = (): void => void this.#goOn();
    received.addEventListener("ended", ended);
    this.#timer = window.setInterval(() => this.#tick(), TICK_MS);
    if (this.#wanted !== null) void this.goTo(this.#wanted);
    return () => {
      window.clearInterval(this.#timer);
      received.removeEventListener("ended", ended);
      this.#received?.close();
      this.#aired?.close();
      this.#received = this.#aired = null;
      this.store.setState({ playing: false, received: IDLE, aired: IDLE });
    };
  }

  /** What the timeline knows: what is recorded, and how much later something aired. */
  learn(recorded: readonly Span[], delayAt: (at: number) => number): void {
    this.#recorded = recorded;
    this.#delayAt = delayAt;
  }

  /** Shows a moment, on both pictures; it goes on playing if it played. */
  async goTo(at: number): Promise<void> {
    this.#wanted = at;
    this.store.setState({ at, airedAt: at + this.#delayAt(at) });
    await Promise.all([this.#received?.show(at), this.#aired?.show(at + this.#delayAt(at))]);
    if (this.#wanted === at && this.store.getState().playing) this.#run();
  }

  jump(seconds: number): void {
    const { at } = this.store.getState();
    if (at === null) return;
    const target = at + seconds;
    void this.goTo(seconds > 0 ? (nextRecorded(this.#recorded, target) ?? target) : target);
  }

  toggle(): void {
    if (this.store.getState().playing) this.pause();
    else {
      this.store.setState({ playing: true });
      this.#run();
    }
  }

  pause(): void {
    this.store.setState({ playing: false });
    this.#received?.video.pause();
    this.#aired?.video.pause();
  }

  async step(direction: 1 | -1): Promise<void> {
    this.pause();
    await this.#received?.step(direction);
    const at = this.#received?.at ?? null;
    if (at === null) return;
    this.#wanted = at;
    this.store.setState({ at, airedAt: at + this.#delayAt(at) });
    await this.#aired?.show(at + this.#delayAt(at));
  }

  speed(direction: 1 | -1): void {
    const rate = rateBeside(this.store.getState().rate, direction);
    this.store.setState({ rate });
    for (const reel of [this.#received, this.#aired]) if (reel !== null) reel.video.playbackRate = rate;
  }

  #address(kind: Kind): (start: number, end: number) => string {
    const base = `/api/v1/archive/${encodeURIComponent(this.#channel)}/playlist.m3u8`;
    return (start, end) => `${base}?from=${start}&to=${end}&as=${kind}`;
  }

  #run(): void {
    const { rate } = this.store.getState();
    for (const reel of [this.#received, this.#aired]) {
      if (reel === null) continue;
      reel.video.playbackRate = rate;
      reel.play();
    }
  }

  #tick(): void {
    const at = this.#received?.at ?? null;
    if (at === null || this.#received?.video.seeking === true) return;
    const delayS = this.#delayAt(at);
    this.store.setState({ at, airedAt: at + delayS });
    if (this.store.getState().playing) {
      this.#wanted = at;
      this.#bringTogether(at + delayS);
    }
  }

  /** Keeps the second picture with the first: a little faster or slower, or to the place at once. */
  #bringTogether(wanted: number): void {
    const aired = this.#aired;
    if (aired === null || aired.view.state !== "ready" || aired.video.seeking) return;
    const apart = (aired.at ?? wanted) - wanted;
    const { rate } = this.store.getState();
    if (Math.abs(apart) > FAR_S) void aired.show(wanted);
    else aired.video.playbackRate = Math.abs(apart) < APART_S ? rate : rate * (apart > 0 ? 1 - BREATH : 1 + BREATH);
    if (aired.video.paused && !aired.video.ended) aired.play();
  }

  /** What was loaded is at its end: on to what was recorded next. */
  async #goOn(): Promise<void> {
    const end = this.#received?.end ?? null;
    const next = end === null ? null : nextRecorded(this.#recorded, end + 0.05);
    if (end === null || next === null || next <= end) this.pause();
    else await this.goTo(next);
  }
}
