/**
 * The list on the screen: which cards stand in which order, and the one under the hand. Pure.
 *
 * What others do never moves the card under the hand: new cards go behind it, those that come first in the queue right
 * behind it, and a card that leaves above it keeps its place, marked, until the hand moves on.
 */

export interface List {
  readonly ids: readonly number[];
  /** The card under the hand; null: the list is empty. */
  readonly hand: number | null;
  /** At or above the hand, no longer of this list. They go when the hand moves. */
  readonly gone: ReadonlySet<number>;
  /** The queue goes on behind the last one. */
  readonly hasMore: boolean;
}

export const EMPTY: List = { ids: [], hand: null, gone: new Set(), hasMore: false };

type Compare = (a: number, b: number) => number;
type Test = (id: number) => boolean;

/** A list laid anew. The hand stays on its card if that is there, else goes to the first that `isFree`. */
export function lay(ids: readonly number[], hasMore: boolean, hand: number | null, isFree: Test): List {
  const found = hand !== null && ids.includes(hand) ? hand : (ids.find(isFree) ?? ids[0] ?? null);
  return { ids, hand: found, gone: new Set(), hasMore };
}

/** The next page, behind the last card. */
export function append(list: List, page: readonly number[], hasMore: boolean, isFree: Test): List {
  const known = new Set(list.ids);
  const ids = [...list.ids, ...page.filter((id) => !known.has(id))];
  return list.hand === null ? lay(ids, hasMore, null, isFree) : { ...list, ids, hasMore };
}

/**
 * A page asked for again: of its stretch, what is not on it has left. `after`: the card it begins behind; 0: from the
 * start. What lies behind the stretch stays as it was last seen.
 */
export function renew(list: List, after: number, page: readonly number[], hasMore: boolean, compare: Compare, isFree: Test): List {
  const last = page.at(-1);
  const isBeyond = (id: number) => hasMore && (last === undefined || compare(id, last) > 0);
  const stretch = list.ids.filter((id) => (after === 0 || compare(id, after) > 0) && !isBeyond(id));
  const fresh = new Set(page);
  const known = new Set(list.ids);
  const left = new Set(stretch.filter((id) => !fresh.has(id)));
  const came = page.filter((id) => !known.has(id));
  const open = hasMore && (list.ids.some(isBeyond) ? list.hasMore : true);
  return change({ ...list, hasMore: open }, came, left, compare, isFree, true);
}

/** Cards that came and cards that left. `whole`: the ones that came are known to belong before the end of the list. */
export function change(
  list: List,
  came: readonly number[],
  left: ReadonlySet<number>,
  compare: Compare,
  isFree: Test,
  whole = false,
): List {
  if (came.length === 0 && left.size === 0) return list;
  const at = list.hand === null ? -1 : list.ids.indexOf(list.hand);
  const head = list.ids.slice(0, at + 1);
  const tail = list.ids.slice(at + 1).filter((id) => !left.has(id));
  const gone = new Set(list.gone);
  for (const id of head) if (left.has(id)) gone.add(id);
  const here = new Set(list.ids);
  for (const id of came) if (here.has(id)) gone.delete(id);
  const sorted = came.filter((id) => !here.has(id)).toSorted(compare);
  const last = tail.at(-1) ?? head.at(-1);
  // Behind the last card of a list that goes on there are others, not loaded yet.
  const fitting = list.hasMore && !whole && last !== undefined ? sorted.filter((id) => compare(id, last) < 0) : sorted;
  const ids = [...head, ...merge(tail, fitting, compare)];
  return list.hand === null ? lay(ids, list.hasMore, null, isFree) : { ...list, ids, gone };
}

function merge(tail: readonly number[], sorted: readonly number[], compare: Compare): number[] {
  if (sorted.length === 0) return [...tail];
  const merged: number[] = [];
  let next = 0;
  for (const id of tail) {
    for (let came = sorted[next]; came !== undefined && compare(came, id) < 0; came = sorted[next]) {
      merged.push(came);
      next += 1;
    }
    merged.push(id);
  }
  return [...merged, ...sorted.slice(next)];
}

/** Take decided cards away. If the hand was on one, it goes to the next that `isFree`, else to the last before. */
export function take(list: List, taken: ReadonlySet<number>, isFree: Test): List {
  const away = (id: number) => taken.has(id) || list.gone.has(id);
  const ids = list.ids.filter((id) => !away(id));
  if (list.hand === null || !away(list.hand)) return { ...list, ids, gone: new Set() };
  const at = list.ids.indexOf(list.hand);
  const behind = list.ids.slice(at + 1).filter((id) => !away(id));
  const before = list.ids.slice(0, at).filter((id) => !away(id));
  const hand = behind.find(isFree) ?? before.findLast(isFree) ?? behind[0] ?? before.at(-1) ?? null;
  return { ...list, ids, gone: new Set(), hand };
}

/** Put a card back: right behind the hand, or under it (`asHand`). */
export function putBack(list: List, id: number, asHand = false): List {
  const ids = list.ids.filter((other) => other !== id);
  const gone = new Set(list.gone);
  gone.delete(id);
  if (list.hand === null || list.hand === id) {
    return { ...list, ids: list.ids.includes(id) ? list.ids : [id, ...ids], hand: id, gone };
  }
  const at = ids.indexOf(list.hand);
  ids.splice(asHand ? at : at + 1, 0, id);
  return { ...list, ids, gone, hand: asHand ? id : list.hand };
}

/** Move the hand by so many cards; what left above it goes. */
export function step(list: List, by: number): List {
  if (list.hand === null) return list;
  const ids = list.ids.filter((id) => id === list.hand || !list.gone.has(id));
  const to = ids[Math.max(0, Math.min(ids.length - 1, ids.indexOf(list.hand) + by))];
  if (to === list.hand && list.gone.has(to)) return take(list, new Set([to]), () => true);
  return to === undefined ? list : point({ ...list, ids }, to);
}

/** Move the hand off a card that is not to be had: to the next that `isFree`, else to the last before. */
export function pass(list: List, isFree: Test): List {
  if (list.hand === null) return list;
  const at = list.ids.indexOf(list.hand);
  const free = (id: number) => !list.gone.has(id) && isFree(id);
  const to = list.ids.slice(at + 1).find(free) ?? list.ids.slice(0, at).findLast(free);
  if (to !== undefined) return point(list, to);
  return list.gone.has(list.hand) ? step(list, 1) : list;
}

/** Put the hand on a card; what left goes. */
export function point(list: List, id: number): List {
  if (id === list.hand || !list.ids.includes(id)) return list;
  return { ...list, ids: list.ids.filter((other) => other === id || !list.gone.has(other)), hand: id, gone: new Set() };
}
