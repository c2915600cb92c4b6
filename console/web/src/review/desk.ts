/**
 * The screen's end of one channel: keeps the websocket open, asks for pages, sends decisions and claims. Holds no rule of
 * its own: what it hears goes into the reducer of `state.ts`.
 */
import { createStore, type StoreApi } from "zustand";
import { socketAddress } from "../api/client";
import { ProblemError, queries } from "../api/http";
import type { Problem } from "../api/types";
import * as api from "./api";
import { barOf, type Card, type Me } from "./cards";
import { type Event, inHand, initialState, lastLoaded, reduce, type ReviewState, type View } from "./state";
import type { Changed, NotClaimed, Switch, Verb } from "./types";

/** Of what is asked beside the queue: authors, bans. The channel follows. */
export const REVIEW_KEY = ["review"];
const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 2_000;
/** Between two times that the whole list is asked for again while much changes. */
const RENEW_MS = 1_000;
/** A card passed over in haste is not claimed. */
const CLAIM_AFTER_MS = 150;
/** A lease lasts 30 s after its last touch. */
const CLAIM_AGAIN_MS = 10_000;
/** Whoever touches neither keys nor pointer for so long lets the card go. */
const ABSENT_MS = 60_000;
const DEAL_AGAIN_MS = 1_500;
const DEAL_SOON_MS = 200;

export class ReviewDesk {
  readonly store: StoreApi<ReviewState>;
  readonly #channel: string;
  #socket: WebSocket | null = null;
  #retryMs = RETRY_FIRST_MS;
  #timers = new Map<string, number>();
  #claimed: number | null = null;
  /** When another card came under the hand. */
  inHandSince = 0;
  #activeAt = performance.now();
  /** Answers to an earlier view, or to a screen that is gone, are not for this one. */
  #asked = 0;
  #running = false;
  readonly #used = () => {
    this.#activeAt = performance.now();
  };

  constructor(channel: string, me: Me) {
    this.#channel = channel;
    this.store = createStore<ReviewState>()(() => initialState(channel, me));
  }

  start(): void {
    this.#running = true;
    for (const kind of ["keydown", "pointerdown", "pointermove"] as const) {
      window.addEventListener(kind, this.#used, { passive: true });
    }
    this.#connect();
    void this.#load(0);
  }

  stop(): void {
    this.#running = false;
    this.#asked += 1;
    for (const kind of ["keydown", "pointerdown", "pointermove"] as const) window.removeEventListener(kind, this.#used);
    for (const timer of this.#timers.values()) window.clearTimeout(timer);
    this.#timers.clear();
    const socket = this.#socket;
    this.#socket = null;
    this.#claimed = null;
    socket?.close();
  }

  setMe(me: Me): void {
    this.#dispatch({ type: "me", me });
  }

  // ---------------------------------------------------------------- looking

  show(view: Partial<View>): void {
    const next = { ...this.store.getState().view, ...view };
    this.#dispatch({ type: "view", view: next });
    void this.#load(0);
  }

  /** Lays the list anew. */
  again(): void {
    this.#dispatch({ type: "loading", what: "anew" });
    void this.#load(0);
  }

  more(): void {
    const state = this.store.getState();
    if (state.loading !== null || !state.list.hasMore) return;
    this.#dispatch({ type: "loading", what: "more" });
    void this.#load(lastLoaded(state));
  }

  step(by: number): void {
    this.#dispatch({ type: "step", by });
  }

  /** On to a card that is to be had. */
  pass(): void {
    this.#dispatch({ type: "pass" });
  }

  point(id: number): void {
    this.#dispatch({ type: "point", id });
  }

  mark(id: number, upTo: boolean): void {
    this.#dispatch({ type: "mark", id, upTo });
  }

  unmark(): void {
    this.#dispatch({ type: "unmark" });
  }

  setDealing(on: boolean): void {
    this.#dispatch({ type: "dealing", on });
    if (on) void this.#deal();
  }

  say(said: Extract<Event, { type: "said" }>["said"], tone: "good" | "bad" = "bad"): void {
    this.#dispatch({ type: "said", tone, said, now: performance.now() });
  }

  // ---------------------------------------------------------------- deciding

  decide(card: Card, verb: Verb, words: { reason?: string; note?: string } = {}): void {
    const { id, version } = card;
    this.#dispatch({ type: "sent", ids: [id], verb });
    void api.decide(this.#channel, { id, version, decision: verb, ...words }).then(
      (answer) => {
        this.#dispatch({ type: "decided", verb, answer, now: performance.now() });
        return this.#deal();
      },
      (error: unknown) => this.#refused(id, error),
    );
  }

  decideMany(cards: readonly Card[], verb: "approve" | "reject", reason = "", note = ""): void {
    const pairs = cards.map(({ id, version }): [number, number] => [id, version]);
    this.#dispatch({ type: "sent", ids: pairs.map(([id]) => id), verb });
    void api.decideMany(this.#channel, pairs, verb, reason, note).then(
      (outcomes) => this.#dispatch({ type: "batch", verb, outcomes, now: performance.now() }),
      (error: unknown) => {
        for (const [id] of pairs) this.#refused(id, error);
      },
    );
  }

  async retract(card: Card, reason: string): Promise<void> {
    await this.#tell(
      () => api.retract(this.#channel, card.id, reason),
      () => this.say({ verb: "retract", text: card.text, count: 1 }, "good"),
    );
  }

  async ban(card: Card, cause: string, minutes: number): Promise<void> {
    await this.#tell(
      () => api.ban(this.#channel, card.id, cause, minutes),
      () => this.say({ banned: card.author }, "good"),
    );
    void queries.invalidateQueries({ queryKey: [...REVIEW_KEY, this.#channel] });
  }

  async liftBan(id: number): Promise<void> {
    await this.#tell(
      () => api.liftBan(this.#channel, id),
      () => this.say({ banned: "" }, "good"),
    );
    void queries.invalidateQueries({ queryKey: [...REVIEW_KEY, this.#channel] });
  }

  /** Has new cards of a card's author come a little earlier, or no longer. */
  async trust(card: number, trusted: boolean): Promise<void> {
    await this.#tell(
      () => api.trust(this.#channel, card, trusted),
      () => this.say({ trusted }, "good"),
    );
    void queries.invalidateQueries({ queryKey: [...REVIEW_KEY, this.#channel] });
  }

  async setSwitch(which: Switch, open: boolean): Promise<void> {
    await this.#tell(
      () => api.setSwitch(this.#channel, which, open),
      (view) => this.#dispatch({ type: "interaction", view }),
    );
  }

  /** Any other act, with its refusal told where the decisions' are. */
  async #tell<T>(act: () => Promise<T>, done: (answer: T) => void): Promise<void> {
    try {
      const answer = await act();
      if (this.#running) done(answer);
    } catch (error) {
      this.say(problemOf(error));
    }
  }

  #refused(id: number, error: unknown): void {
    const card = error instanceof ProblemError ? api.cardOf(error) : null;
    this.#dispatch({ type: "refused", id, problem: problemOf(error), card, now: performance.now() });
    void this.#deal();
    // Without an answer nobody knows whether it was stored: ask how the card stands.
    if (error instanceof ProblemError && (error.status === 0 || error.status >= 500)) void this.#look(id);
  }

  async #look(id: number): Promise<void> {
    const card = await api.askCard(this.#channel, id).catch(() => null);
    if (card === null) return;
    const message: Changed = { type: "changed", channel: this.#channel, cards: [card], many: false, counts: null, interaction: null, v: 1 };
    this.#dispatch({ type: "changed", message, now: performance.now() });
  }

  async #deal(): Promise<void> {
    const { dealing, dealt, view } = this.store.getState();
    if (!dealing || dealt !== null || !this.#running) return;
    try {
      const card = await api.deal(this.#channel, view.stage, view.order);
      this.#dispatch({ type: "dealt", card, now: performance.now() });
      if (card !== null) return;
    } catch (error) {
      this.say(problemOf(error));
    }
    this.#later("deal", DEAL_AGAIN_MS, () => void this.#deal());
  }

  // ---------------------------------------------------------------- asking and hearing

  async #load(after: number): Promise<void> {
    const asked = (this.#asked += 1);
    try {
      const answer = await api.askQueue(this.#channel, this.store.getState().view, after);
      if (asked === this.#asked) this.#dispatch({ type: "page", after, answer, now: performance.now() });
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#dispatch({ type: "failed", problem: problemOf(error) });
      this.#later("load", RETRY_MOST_MS, () => void this.#load(after));
    }
  }

  /** Asks for the start of the list again, and for the stretch around the hand. */
  async #renew(): Promise<void> {
    const { view, list } = this.store.getState();
    const asked = this.#asked;
    const at = list.hand === null ? 0 : list.ids.indexOf(list.hand);
    const behind = at > api.PAGE ? [0, list.ids[at - api.PAGE / 2] ?? 0] : [0];
    for (const after of behind) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other: each is cut from the list of the last
      const answer = await api.askQueue(this.#channel, view, after).catch(() => null);
      if (asked !== this.#asked) return;
      if (answer === null) {
        this.#later("renew", RENEW_MS, () => void this.#renew());
        return;
      }
      this.#dispatch({ type: "renewed", after, answer, now: performance.now() });
    }
  }

  #connect(): void {
    const socket = new WebSocket(socketAddress(`/api/v1/review/${encodeURIComponent(this.#channel)}/ws`));
    this.#socket = socket;
    socket.addEventListener("open", () => {
      if (socket !== this.#socket) return;
      const wasLost = this.store.getState().link === "lost";
      this.#retryMs = RETRY_FIRST_MS;
      this.#dispatch({ type: "link", up: true });
      if (wasLost) void this.#renew();
      void this.#tell(
        () => api.askInteraction(this.#channel),
        (view) => this.#dispatch({ type: "interaction", view }),
      );
      this.#claim();
    });
    socket.addEventListener("message", (event: MessageEvent<string>) => {
      if (socket === this.#socket) this.#onMessage(JSON.parse(event.data) as Changed | NotClaimed);
    });
    socket.addEventListener("close", () => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#claimed = null;
      this.#dispatch({ type: "link", up: false });
      this.#later("connect", this.#retryMs, () => this.#connect());
      this.#retryMs = Math.min(RETRY_MOST_MS, this.#retryMs * 2);
    });
  }

  #onMessage(message: Changed | NotClaimed): void {
    if (message.type === "changed") {
      this.#dispatch({ type: "changed", message, now: performance.now() });
      const { dealing, dealt } = this.store.getState();
      if (dealing && dealt === null && !this.#timers.has("deal")) this.#later("deal", DEAL_SOON_MS, () => void this.#deal());
      if (this.store.getState().stale && !this.#timers.has("renew")) {
        this.#later("renew", RENEW_MS, () => void this.#renew());
      }
    } else if (message.code !== "taken" && message.code !== "closed") {
      this.say(message); // who has the card, and what became of it, stands on it anyway
    }
  }

  #dispatch(event: Event): void {
    if (!this.#running) return;
    const before = this.store.getState();
    const after = reduce(before, event);
    if (after === before) return;
    this.store.setState(after, true);
    if (inHand(after)?.id === inHand(before)?.id) return;
    this.inHandSince = performance.now();
    this.#later("claim", CLAIM_AFTER_MS, () => this.#claim());
  }

  /** Tells the others which card is under the hand; again and again, while somebody is there. */
  #claim(): void {
    const state = this.store.getState();
    const card = inHand(state);
    const isThere = performance.now() - this.#activeAt < ABSENT_MS;
    const wanted = card !== undefined && isThere && barOf(card, state.me) === null ? card.id : null;
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (wanted !== null) this.#socket.send(JSON.stringify({ claim: wanted }));
    else if (this.#claimed !== null) this.#socket.send(JSON.stringify({ let_go: this.#claimed }));
    this.#claimed = wanted;
    this.#later("claim", CLAIM_AGAIN_MS, () => this.#claim());
  }

  #later(what: string, ms: number, act: () => void): void {
    window.clearTimeout(this.#timers.get(what));
    const timer = window.setTimeout(() => {
      this.#timers.delete(what);
      if (this.#running) act();
    }, ms);
    this.#timers.set(what, timer);
  }
}

function problemOf(error: unknown): Problem {
  return error instanceof ProblemError ? error.problem : { code: "page", error: String(error), error_zh: "" };
}
