import { useStore } from "zustand";
import type { Deck, DeckState } from "./deck";

/** A part of what the deck shows; choose little: the playhead moves ten times a second. */
export function useDeck<Part>(deck: Deck, select: (state: DeckState) => Part): Part {
  return useStore(deck.store, select);
}
