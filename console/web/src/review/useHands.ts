/** The hands' side of the screen: what keys and buttons do, in one place so that both do the same. */
import { type RefObject, useEffect, useEffectEvent, useRef, useState } from "react";
import { useMay } from "../api/channels";
import { useText } from "../i18n";
import { letterOf, typesText } from "../live/keyboard";
import { type Bar, barOf, barOfBatch, type Card } from "./cards";
import { spanOf } from "./highlights";
import { type Act, actOf, actsOn, type Rights } from "./keys";
import { codeOf, isSpan, menuOf, OWN_WORDS, type Panel, pickOf, SPANS } from "./menu";
import { inHand, type PageReason } from "./state";
import { undoable } from "./undo";
import { DECIDE, type HitView, type Pile, TERMS } from "./types";
import { useDesk, useReview } from "./useDesk";

export const PILES: readonly Pile[] = ["waiting", "blocked", "held", "approved", "published", "rejected", "expired"];
/** A card that came under the hand so short ago was not looked at: a key that bounces decides nothing. */
const LOOK_MS = 150;
const LONGEST_TERM = 64;
const FIRST_CATEGORY = "harassment";

export interface Hands {
  acts: readonly Act[];
  rights: Rights;
  press: (act: Act, shift?: boolean) => void;
  panel: Panel | null;
  pick: (key: string) => void;
  answer: (words: string) => void;
  close: () => void;
  ownWords: RefObject<HTMLInputElement | null>;
  /** The card whose texts are shown as they were written. */
  revealed: Card | null;
  hide: () => void;
}

export function useHands(channel: string): Hands {
  const desk = useDesk();
  const words = useText().review;
  const pile = useReview((state) => state.view.pile);
  const dealing = useReview((state) => state.dealing);
  const handId = useReview((state) => inHand(state)?.id ?? null);
  const top = useReview((state) => state.me.top);
  const rights = { decide: useMay(DECIDE, channel), terms: useMay(TERMS, channel), top };
  const [panel, open] = useState<Panel | null>(null);
  const [shown, reveal] = useState<Card | null>(null);
  const ownWords = useRef<HTMLInputElement>(null);
  if (shown !== null && shown.id !== handId) reveal(null);
  const acts = actsOn(pile, rights).filter((act) => !dealing || !(act === "next" || act === "previous" || act === "mark"));

  const refuse = (page: PageReason) => desk.say({ page });
  const close = () => {
    open(null);
    if (document.activeElement instanceof HTMLElement && typesText(document.activeElement)) document.activeElement.blur();
  };

  /** Says why there is nothing to do; somebody else's card gives way to one that is to be had. */
  const turnDown = (why: PageReason) => {
    const { list } = desk.store.getState();
    refuse(why);
    if (why === "taken" || (why === "closed" && list.hand !== null && list.gone.has(list.hand))) desk.pass();
  };

  /** The cards that an act is for, or why there is none. */
  const wanted = (verb: "approve" | "reject" | "escalate"): readonly Card[] | PageReason => {
    const state = desk.store.getState();
    if (state.link === "lost") return "no_link";
    if (verb !== "escalate" && state.marked.size > 0) {
      const cards = [...state.marked].flatMap((id) => state.cards.get(id) ?? []);
      if (cards.length > 1) return barOfBatch(verb, cards) ?? cards;
    }
    const [marked] = verb === "escalate" ? [] : state.marked;
    const card = marked === undefined ? inHand(state) : state.cards.get(marked);
    if (card === undefined || state.flying.has(card.id)) return "nothing";
    const bar: Bar | null = state.list.gone.has(card.id) ? "closed" : barOf(card, state.me, verb);
    return bar ?? [card];
  };

  const begin = (verb: "approve" | "reject" | "escalate") => {
    if (performance.now() - desk.inHandSince < LOOK_MS) return;
    const cards = wanted(verb);
    if (typeof cards === "string") return turnDown(cards);
    const [first] = cards;
    if (first === undefined) return undefined;
    if (verb === "reject") open({ kind: "reject", cards });
    else if (cards.length > 1 && verb === "approve") desk.decideMany(cards, verb);
    else desk.decide(first, verb);
    return undefined;
  };

  const undo = () => {
    const found = undoable(desk.store.getState(), performance.now());
    if (found === null) refuse("nothing_to_undo");
    else desk.decide(found.card, "undo");
  };

  const press = (act: Act, shift = false) => {
    const state = desk.store.getState();
    const card = inHand(state);
    open(null);
    switch (act) {
      case "approve":
      case "reject":
      case "escalate":
        return begin(act);
      case "undo":
        return undo();
      case "next":
        return desk.step(1);
      case "previous":
        return desk.step(-1);
      case "deal":
        return desk.setDealing(!state.dealing);
      case "order":
        return desk.show({ order: state.view.order === "oldest" ? "gravest" : "oldest" });
      case "pile": {
        const at = PILES.indexOf(state.view.pile) + (shift ? PILES.length - 1 : 1);
        return desk.show({ pile: PILES[at % PILES.length] ?? "waiting", stage: 0 });
      }
    }
    if (card === undefined) return refuse("nothing");
    switch (act) {
      case "mark":
        desk.mark(card.id, shift);
        return shift ? undefined : desk.step(1);
      case "reveal":
        return reveal(shown?.id === card.id ? null : card);
      case "term":
        return open({ kind: "term", term: termOf(card), category: textHit(card)?.category ?? FIRST_CATEGORY });
      case "ban":
        return open({ kind: "ban", card, span: null });
      case "hold":
      case "release":
      case "restore":
      case "retract":
        if (state.link === "lost") return refuse("no_link");
        return state.list.gone.has(card.id) ? turnDown("closed") : open({ kind: act, card });
    }
  };

  /** Does what a panel asked about. `code`: of a rejection; `said`: in words. */
  const act = (asked: Panel, code: string, said: string) => {
    close();
    switch (asked.kind) {
      case "reject": {
        const [only, ...others] = asked.cards;
        if (only === undefined) return;
        if (others.length > 0) desk.decideMany(asked.cards, "reject", code, said);
        else desk.decide(only, "reject", said === "" ? { reason: code } : { reason: code, note: said });
        return;
      }
      case "retract":
        void desk.retract(asked.card, said);
        return;
      case "hold":
      case "release":
      case "restore":
        desk.decide(asked.card, asked.kind, { reason: said });
        return;
      case "ban":
        if (asked.span !== null) void desk.ban(asked.card, said, SPANS[asked.span]);
        return;
      case "term":
    }
  };

  const pick = (key: string) => {
    if (panel === null || panel.kind === "term") return;
    const found = pickOf(menuOf(panel, words), key);
    const isOther = key === OWN_WORDS || (panel.kind === "reject" && found !== undefined && codeOf(found.key) === "other");
    if (panel.kind === "ban" && panel.span === null) {
      if (isSpan(key)) open({ ...panel, span: key });
    } else if (isOther) ownWords.current?.focus();
    else if (found !== undefined) act(panel, codeOf(found.key), panel.kind === "reject" ? "" : found.label);
  };

  const answer = (said: string) => {
    if (panel !== null && said.trim() !== "") act(panel, "other", said.trim());
  };

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (panel !== null) close();
      else if (shown !== null) reveal(null);
      else desk.unmark();
      return;
    }
    if (typesText(event.target) || panel?.kind === "term" || choosesByArrows(event)) return;
    const letter = letterOf(event);
    if (panel !== null) {
      if (letter === "") return;
      event.preventDefault();
      if (!event.repeat) pick(letter);
      return;
    }
    const found = actOf(event.key, letter, pile, rights);
    const isThere = found !== null && (acts.includes(found) || found === "deal" || found === "order" || (found === "pile" && !dealing));
    if (found === null || !isThere) return;
    event.preventDefault();
    if (!event.repeat || found === "next" || found === "previous") press(found, event.shiftKey);
  });
  useEffect(() => {
    const key = (event: KeyboardEvent) => onKey(event);
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, []);

  return { acts, rights, press, panel, pick, answer, close, ownWords, revealed: shown, hide: () => reveal(null) };
}

/** Arrow keys in a row of choices are for the choice. */
function choosesByArrows(event: KeyboardEvent): boolean {
  const { target } = event;
  const isChoice = target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type === "radio");
  return isChoice && event.key.startsWith("Arrow");
}

function textHit(card: Card): HitView | undefined {
  return card.hits.find(({ in_author }) => !in_author);
}

/** What was selected with the mouse on a card, else what was found on it, else its text. */
function termOf(card: Card): string {
  const selection = window.getSelection();
  const place = selection?.anchorNode?.parentElement?.closest("[data-text]");
  const selected = place ? (selection?.toString().trim() ?? "") : "";
  const hit = textHit(card);
  const found = hit === undefined ? card.text : spanOf(card.text, hit.start, hit.end);
  return spanOf(selected === "" ? found : selected, 0, LONGEST_TERM);
}
