/**
 * What the Review screen knows of one channel, as one value, and how it changes. Pure: time (`now`, milliseconds of
 * performance.now) comes in. Decisions are optimistic only as far as moving on: the card leaves the list at once, and a
 * refusal brings it back with a sentence.
 */
import type { Problem } from "../api/types";
import { asPushed, asTold, barOf, type Card, compare, type Me, OPEN_PILES, pileOf } from "./cards";
import { append, change, EMPTY, lay, type List, pass, point, putBack, renew, step, take } from "./list";
import type { CardView, Changed, Counts, Decided, InteractionView, Order, Outcome, Pile, QueueAnswer, Verb } from "./types";

/** Which cards are shown. `stage` 0: of all stages. */
export interface View {
  pile: Pile;
  stage: number;
  order: Order;
}

/** A decision of this person that was stored. */
export interface Done {
  id: number;
  verb: Verb;
  text: string;
  /** When it was stored. A rejection is undone for `InteractionView.window_s` from here. */
  atMs: number;
}

/** What became of the last act, said once. */
export interface Notice {
  seq: number;
  atMs: number;
  tone: "good" | "bad";
  /** A key into the texts with what fills it, or the console's own words. */
  said:
    | { verb: Verb | "retract"; text: string; count: number }
    | Pick<Problem, "error" | "error_zh">
    | { page: PageReason }
    /** "": a ban was lifted. */
    | { banned: string }
    | { trusted: boolean }
    | { term: string };
}
export type PageReason =
  | "none"
  | "held"
  | "taken"
  | "same_person"
  | "not_entitled"
  | "closed"
  | "nothing"
  | "too_many"
  | "not_clean"
  | "most_stages"
  | "nothing_to_undo"
  | "no_link";

export interface ReviewState {
  channel: string;
  me: Me;
  view: View;
  link: "connecting" | "up" | "lost";
  cards: ReadonlyMap<number, Card>;
  list: List;
  loading: "anew" | "more" | null;
  problem: Problem | null;
  /** The list was too much changed to be told card by card: it is to be asked for again. */
  stale: boolean;
  /** Cards that came to a pile of the past: shown when the list is laid anew. */
  fresh: number;
  counts: Counts | null;
  countsAtMs: number;
  interaction: InteractionView | null;
  /** Decisions on their way. */
  flying: ReadonlyMap<number, Verb>;
  /** Why a card came back. */
  refusals: ReadonlyMap<number, Pick<Problem, "error" | "error_zh">>;
  /** Newest first. */
  done: readonly Done[];
  marked: ReadonlySet<number>;
  /** Cards are dealt one by one; `dealt`: the one in hand. */
  dealing: boolean;
  dealt: number | null;
  notice: Notice | null;
}

export type Event =
  | { type: "view"; view: View }
  | { type: "page"; after: number; answer: QueueAnswer; now: number }
  | { type: "renewed"; after: number; answer: QueueAnswer; now: number }
  | { type: "loading"; what: "anew" | "more" }
  | { type: "failed"; problem: Problem }
  | { type: "changed"; message: Changed; now: number }
  | { type: "link"; up: boolean }
  | { type: "me"; me: Me }
  | { type: "step"; by: number }
  | { type: "pass" }
  | { type: "point"; id: number }
  | { type: "mark"; id: number; upTo: boolean }
  | { type: "unmark" }
  | { type: "sent"; ids: readonly number[]; verb: Verb }
  | { type: "decided"; verb: Verb; answer: Decided; now: number }
  | { type: "refused"; id: number; problem: Problem; card: CardView | null; now: number }
  | { type: "batch"; verb: Verb; outcomes: readonly Outcome[]; now: number }
  | { type: "dealing"; on: boolean }
  | { type: "dealt"; card: CardView | null; now: number }
  | { type: "interaction"; view: InteractionView }
  | { type: "said"; tone: Notice["tone"]; said: Notice["said"]; now: number };

const DONE_KEPT = 150;
const NO_ME: Me = { name: "", top: 0 };

export function initialState(channel: string, me: Me = NO_ME): ReviewState {
  return {
    channel,
    me,
    view: { pile: "waiting", stage: 0, order: "oldest" },
    link: "connecting",
    cards: new Map(),
    list: EMPTY,
    loading: "anew",
    problem: null,
    stale: false,
    fresh: 0,
    counts: null,
    countsAtMs: 0,
    interaction: null,
    flying: new Map(),
    refusals: new Map(),
    done: [],
    marked: new Set(),
    dealing: false,
    dealt: null,
    notice: null,
  };
}

export function reduce(state: ReviewState, event: Event): ReviewState {
  switch (event.type) {
    case "view":
      return { ...state, view: event.view, list: EMPTY, marked: new Set(), loading: "anew", fresh: 0, stale: false };
    case "page":
      return onPage(state, event.after, event.answer, event.now);
    case "renewed":
      return onRenewed(state, event.after, event.answer, event.now);
    case "loading":
      return { ...state, loading: event.what };
    case "failed":
      return { ...state, loading: null, problem: event.problem };
    case "changed":
      return onChanged(state, event.message, event.now);
    case "link":
      return { ...state, link: event.up ? "up" : "lost" };
    case "me":
      return { ...state, me: event.me };
    case "step":
      return { ...state, list: step(state.list, event.by) };
    case "pass":
      return state.dealing ? state : { ...state, list: pass(state.list, isFree(state, state.cards)) };
    case "point":
      return { ...state, list: point(state.list, event.id) };
    case "mark":
      return onMark(state, event.id, event.upTo);
    case "unmark":
      return { ...state, marked: new Set() };
    case "sent":
      return onSent(state, event.ids, event.verb);
    case "decided":
      return onDecided(state, event.verb, event.answer, event.now);
    case "refused":
      return onRefused(state, event);
    case "batch":
      return onBatch(state, event.verb, event.outcomes, event.now);
    case "dealing":
      return { ...state, dealing: event.on, dealt: null };
    case "dealt":
      return onDealt(state, event.card, event.now);
    case "interaction":
      return { ...state, interaction: event.view };
    case "said":
      return withNotice(state, event.tone, event.said, event.now);
  }
}

/** The card that the keys act on. */
export function inHand(state: ReviewState): Card | undefined {
  const id = state.dealing ? state.dealt : state.list.hand;
  return id === null ? undefined : state.cards.get(id);
}

/** The loaded card that comes last in the queue's order: the next page begins behind it. 0: none is loaded. */
export function lastLoaded(state: ReviewState): number {
  const order = comparing(state, state.cards);
  return state.list.ids.reduce((last, id) => (last === 0 || order(id, last) > 0 ? id : last), 0);
}

// ---------------------------------------------------------------- what the console answers

function isFree(state: ReviewState, cards: ReadonlyMap<number, Card>) {
  return (id: number): boolean => {
    const card = cards.get(id);
    if (card === undefined || state.flying.has(id)) return false;
    return state.view.pile !== "waiting" || barOf(card, state.me) === null;
  };
}

function comparing(state: ReviewState, cards: ReadonlyMap<number, Card>) {
  return (a: number, b: number): number => {
    const [one, other] = [cards.get(a), cards.get(b)];
    if (one === undefined || other === undefined) return a - b;
    return OPEN_PILES.has(state.view.pile) ? compare(one, other, state.view.order) : b - a;
  };
}

function withCards(state: ReviewState, views: readonly CardView[], now: number): Map<number, Card> {
  const cards = new Map(state.cards);
  for (const view of views) {
    const held = cards.get(view.id);
    if (held === undefined || held.version <= view.version) cards.set(view.id, asTold(view, now));
  }
  return cards;
}

/** Of an answer, the cards that are not on their way out. */
function listed(state: ReviewState, answer: QueueAnswer, cards: ReadonlyMap<number, Card>): number[] {
  return answer.cards.map(({ id }) => id).filter((id) => !state.flying.has(id) && fits(state, cards.get(id)));
}

function fits(state: ReviewState, card: Card | undefined): boolean {
  if (card === undefined || pileOf(card) !== state.view.pile) return false;
  return state.view.pile !== "waiting" || state.view.stage === 0 || card.stage === state.view.stage;
}

function onPage(state: ReviewState, after: number, answer: QueueAnswer, now: number): ReviewState {
  const cards = withCards(state, answer.cards, now);
  const ids = listed(state, answer, cards);
  const free = isFree(state, cards);
  const list =
    after === 0 ? lay(ids, answer.has_more, state.list.hand, free) : append(state.list, ids, answer.has_more, free);
  const anew = after === 0 ? { fresh: 0, stale: false } : {};
  return { ...known(state, cards, list), ...told(answer.counts, now), ...anew, list, loading: null, problem: null };
}

function onRenewed(state: ReviewState, after: number, answer: QueueAnswer, now: number): ReviewState {
  const cards = withCards(state, answer.cards, now);
  const ids = listed(state, answer, cards);
  const list = renew(state.list, after, ids, answer.has_more, comparing(state, cards), isFree(state, cards));
  return { ...known(state, cards, list), ...told(answer.counts, now), list, stale: false, problem: null };
}

function told(counts: Counts | null, now: number): Partial<ReviewState> {
  return counts === null ? {} : { counts, countsAtMs: now };
}

const CARDS_KEPT = 2_000;

/** Keep the cards that somebody may still look at; a broadcast has more than a page should hold. */
function known(state: ReviewState, cards: ReadonlyMap<number, Card>, list: List): ReviewState {
  if (cards.size <= list.ids.length + CARDS_KEPT) return { ...state, cards };
  const needed = new Set([...list.ids, ...state.flying.keys(), ...state.done.map(({ id }) => id), state.dealt ?? 0]);
  return { ...state, cards: new Map([...cards].filter(([id]) => needed.has(id))) };
}

function onChanged(state: ReviewState, message: Changed, now: number): ReviewState {
  if (message.channel !== state.channel) return state;
  const cards = new Map(state.cards);
  const here = new Set(state.list.ids);
  const came: number[] = [];
  const left = new Set<number>();
  for (const view of message.cards) {
    const before = cards.get(view.id);
    if (before !== undefined && before.version > view.version) continue;
    const card = asPushed(view, state.me, now);
    // The same version told for this person before: its words on what they may do are better than ours.
    const same = before?.version === view.version ? { mine: before.mine, may_decide: before.may_decide } : {};
    cards.set(view.id, { ...card, ...same });
    if (state.flying.has(view.id)) continue;
    if (!fits(state, card)) left.add(view.id);
    else if (!here.has(view.id) || state.list.gone.has(view.id)) came.push(view.id);
  }
  const arrived = came.filter((id) => here.has(id) || comesIn(state, cards.get(id)));
  const leaving = new Set([...left].filter((id) => here.has(id)));
  const list = change(state.list, arrived, leaving, comparing(state, cards), isFree(state, cards));
  const marked = leaving.size === 0 ? state.marked : new Set([...state.marked].filter((id) => !leaving.has(id)));
  const dealt = state.dealt === null ? undefined : cards.get(state.dealt);
  // Somebody else decided or held the card that was dealt: another one is due.
  const isOver = dealt !== undefined && pileOf(dealt) !== "waiting";
  const next = known({ ...state, marked, dealt: isOver ? null : state.dealt }, cards, list);
  return {
    ...next,
    ...told(message.counts, now),
    list,
    fresh: OPEN_PILES.has(state.view.pile) ? 0 : state.fresh + came.length - arrived.length,
    stale: state.stale || message.many,
    interaction: message.interaction ?? state.interaction,
  };
}

/**
 * Whether a pushed card enters the list by itself. What this person has decided already need not come back under their
 * eyes; the past is in the order of its answer, and only an empty list of it fills up.
 */
function comesIn(state: ReviewState, card: Card | undefined): boolean {
  if (card === undefined) return false;
  if (!OPEN_PILES.has(state.view.pile)) return state.list.ids.length === 0 && state.loading === null;
  return barOf(card, state.me) !== "same_person";
}

// ---------------------------------------------------------------- what this person does

function onMark(state: ReviewState, id: number, upTo: boolean): ReviewState {
  const marked = new Set(state.marked);
  const last = [...marked].at(-1);
  if (!upTo || last === undefined) {
    if (!marked.delete(id)) marked.add(id);
    return { ...state, marked };
  }
  const [from, to] = [state.list.ids.indexOf(last), state.list.ids.indexOf(id)].toSorted((a, b) => a - b);
  for (const one of state.list.ids.slice(from, (to ?? 0) + 1)) if (!state.list.gone.has(one)) marked.add(one);
  return { ...state, marked };
}

function onSent(state: ReviewState, ids: readonly number[], verb: Verb): ReviewState {
  const flying = new Map(state.flying);
  const refusals = new Map(state.refusals);
  for (const id of ids) {
    flying.set(id, verb);
    refusals.delete(id);
  }
  const sent = { ...state, flying, refusals };
  // An escalated card still waits for the stage in hand: it stays where it is.
  if (verb === "escalate") return sent;
  const dealt = state.dealt !== null && ids.includes(state.dealt) ? null : state.dealt;
  const list = take(state.list, new Set(ids), isFree(sent, state.cards));
  return { ...sent, list, dealt, marked: new Set([...state.marked].filter((id) => !ids.includes(id))) };
}

function landed(state: ReviewState, id: number): ReviewState {
  const flying = new Map(state.flying);
  flying.delete(id);
  return { ...state, flying };
}

function onDecided(state: ReviewState, verb: Verb, answer: Decided, now: number): ReviewState {
  const next = landed(state, answer.id);
  const cards = answer.card === null ? new Map(state.cards) : withCards(next, [answer.card], now);
  const card = cards.get(answer.id);
  const text = card?.text ?? "";
  const done = doneWith(state.done, verb, answer.id, text, now);
  const back = (verb === "undo" || verb === "release" || verb === "restore") && fits(next, card);
  const list = back ? putBack(next.list, answer.id, verb === "undo") : next.list;
  const dealt = verb === "undo" && next.dealing ? answer.id : next.dealt;
  return withNotice({ ...next, cards, done, list, dealt }, "good", { verb, text, count: 1 }, now);
}

function doneWith(done: readonly Done[], verb: Verb, id: number, text: string, now: number): readonly Done[] {
  const others = done.filter((one) => one.id !== id);
  if (verb !== "approve" && verb !== "reject") return verb === "undo" ? others : done;
  return [{ id, verb, text, atMs: now }, ...others].slice(0, DONE_KEPT);
}

function onRefused(state: ReviewState, { id, problem, card, now }: Extract<Event, { type: "refused" }>): ReviewState {
  const next = landed(state, id);
  const cards = card === null ? next.cards : withCards(next, [card], now);
  const refusals = new Map(next.refusals).set(id, problem);
  const list = fits(next, cards.get(id)) ? putBack(next.list, id) : next.list;
  return withNotice({ ...next, cards, refusals, list }, "bad", problem, now);
}

function onBatch(state: ReviewState, verb: Verb, outcomes: readonly Outcome[], now: number): ReviewState {
  let next = state;
  for (const { id, version, state: reached, failure } of outcomes) {
    const card = next.cards.get(id);
    if (failure !== null) {
      next = onRefused(next, { type: "refused", id, problem: failure, card: null, now });
      continue;
    }
    next = landed(next, id);
    if (card === undefined) continue;
    const after = { ...card, version: Math.max(version, card.version), state: reached, mine: true, may_decide: false };
    const cards = new Map(next.cards).set(id, card.version > version ? card : after);
    next = { ...next, cards, done: doneWith(next.done, verb, id, card.text, now) };
  }
  const count = outcomes.filter(({ failure }) => failure === null).length;
  return count === 0 ? next : withNotice(next, count === outcomes.length ? "good" : "bad", { verb, text: "", count }, now);
}

function onDealt(state: ReviewState, view: CardView | null, now: number): ReviewState {
  if (!state.dealing) return state;
  // One that is being decided at this moment may be dealt once more.
  if (view === null || state.flying.has(view.id)) return { ...state, dealt: null };
  return { ...state, cards: withCards(state, [view], now), dealt: view.id };
}

function withNotice(state: ReviewState, tone: Notice["tone"], said: Notice["said"], now: number): ReviewState {
  return { ...state, notice: { seq: (state.notice?.seq ?? 0) + 1, atMs: now, tone, said } };
}
