/** The cards, drawn only where they are seen. The one under the hand stays where it is on the screen. */
import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import { Button, Loader } from "@mantine/core";
import { type MouseEvent, type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { useLanguage, useText } from "../i18n";
import { useNow } from "../ui/useNow";
import { CardRow } from "./CardRow";
import { waitingS } from "./cards";
import type { List } from "./list";
import { ProblemText } from "./ProblemText";
import classes from "./Queue.module.css";
import { useDesk, useReview } from "./useDesk";

const ROW_PX = 72;
const OVERSCAN = 8;
/** The next page is asked for when so many cards are left. */
const AHEAD = 40;

export function Queue() {
  const dealing = useReview((state) => state.dealing);
  return dealing ? <Dealt /> : <CardList />;
}

function CardList() {
  const words = useText().review;
  const desk = useDesk();
  const list = useReview((state) => state.list);
  const cards = useReview((state) => state.cards);
  const loading = useReview((state) => state.loading);
  const pile = useReview((state) => state.view.pile);
  const fresh = useReview((state) => state.fresh);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useRows(list, scroller);
  const now = useNow(1_000);
  const { marked, refusals, ...shared } = useShared();
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  // A screen reader reads the card under the hand as long as the list has the focus.
  useEffect(() => {
    if (document.activeElement === document.body) scroller.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    if (list.hasMore && loading === null && last >= list.ids.length - AHEAD) desk.more();
  }, [desk, list, loading, last]);
  const onClick = useCallback(
    (event: MouseEvent<HTMLElement>) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-card]") : null;
      if (row === null) return;
      const id = Number(row.dataset["card"]);
      if (event.shiftKey) desk.mark(id, true);
      desk.point(id);
    },
    [desk],
  );
  return (
    <>
      {fresh > 0 && (
        <Button size="xs" variant="default" className={classes.fresh ?? ""} onClick={() => desk.again()}>
          {words.fresh(fresh)}
        </Button>
      )}
      {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions -- J and K do the same, wherever the focus is; its role stands below */}
      <div
        ref={scroller}
        className={classes.scroller}
        // What WAI-ARIA has for a list with one active row; it may not be empty.
        role={list.ids.length > 0 ? "listbox" : "region"}
        aria-multiselectable={list.ids.length > 0 ? true : undefined}
        aria-activedescendant={list.hand === null ? undefined : `card-${list.hand}`}
        aria-label={`${words.queue}: ${words.piles[pile]}`}
        tabIndex={0}
        data-testid="queue"
        onClick={onClick}
      >
        <div className={classes.rows} style={{ height: rows.getTotalSize() }} role="presentation">
          {items.map(({ index, start, key }) => {
            const card = cards.get(Number(key));
            if (card === undefined) return null;
            return (
              <div
                key={key}
                ref={rows.measureElement}
                data-index={index}
                className={classes.row}
                role="presentation"
                style={{ transform: `translateY(${start}px)` }}
              >
                <CardRow
                  {...shared}
                  card={card}
                  position={index + 1}
                  of={list.hasMore ? -1 : list.ids.length}
                  isHand={card.id === list.hand}
                  isGone={list.gone.has(card.id)}
                  isMarked={marked.has(card.id)}
                  refusal={refusals.get(card.id)}
                  seconds={waitingS(card, now)}
                  publishS={card.publishAtMs === null ? null : Math.max(0, Math.ceil((card.publishAtMs - now) / 1_000))}
                />
              </div>
            );
          })}
        </div>
        <End list={list} />
      </div>
    </>
  );
}

/** What every row is told besides its card. */
function useShared() {
  const me = useReview((state) => state.me);
  const marked = useReview((state) => state.marked);
  const refusals = useReview((state) => state.refusals);
  const language = useLanguage();
  const words = useText().review;
  return { me, marked, refusals, language, words };
}

/** The end of the list: empty, loading, or not to be had. */
function End({ list }: { list: List }) {
  const words = useText().review;
  const pile = useReview((state) => state.view.pile);
  const loading = useReview((state) => state.loading);
  const problem = useReview((state) => state.problem);
  if (problem !== null) {
    return (
      <div className={classes.blank} role="alert">
        {words.failed} <ProblemText problem={problem} />
      </div>
    );
  }
  if (loading !== null) {
    return (
      <output className={classes.blank}>
        <Loader size="xs" color="gray" /> {loading === "anew" ? words.loading : words.more}
      </output>
    );
  }
  if (list.ids.length > 0) return null;
  return (
    <output className={classes.blank} data-testid="empty">
      {words.empty[pile]} {pile === "waiting" && words.emptyHint}
    </output>
  );
}

function useRows(list: List, scroller: RefObject<HTMLDivElement | null>) {
  const hand = list.hand === null ? -1 : list.ids.indexOf(list.hand);
  const { ids } = list;
  const getItemKey = useCallback((index: number) => ids[index] ?? -index, [ids]);
  // A screen reader follows the card under the hand: it is drawn wherever the list is scrolled to.
  const rangeExtractor = useCallback(
    (range: Range) => {
      const seen = defaultRangeExtractor(range);
      return hand < 0 || seen.includes(hand) ? seen : [...seen, hand].toSorted((a, b) => a - b);
    },
    [hand],
  );
  const rows = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey,
    rangeExtractor,
    overscan: OVERSCAN,
  });
  const before = useRef<{ list: List; starts: readonly { start: number }[] } | null>(null);
  const seen = rows.measurementsCache[hand];
  // Rows that come and go above the hand do not move it: the list is scrolled by as much.
  useLayoutEffect(() => {
    const last = before.current;
    before.current = { list, starts: rows.measurementsCache };
    const element = scroller.current;
    const start = rows.measurementsCache[hand]?.start;
    if (last === null || element === null || start === undefined || last.list.ids === list.ids) return;
    // A card that was decided leaves its place to the next one.
    const stayed = last.list.hand !== null && list.ids.includes(last.list.hand) ? list.hand : last.list.hand;
    const was = last.starts[stayed === null ? -1 : last.list.ids.indexOf(stayed)]?.start;
    if (was !== undefined && was !== start) element.scrollTop += start - was;
  });
  const height = rows.scrollRect?.height ?? 0;
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || seen === undefined) return;
    if (seen.start < element.scrollTop) element.scrollTop = seen.start;
    else if (seen.end > element.scrollTop + element.clientHeight) element.scrollTop = seen.end - element.clientHeight;
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- not when other rows come: whoever has scrolled away stays there
  }, [list.hand, seen?.size, height, scroller]);
  return rows;
}

/** The one card that was dealt. */
function Dealt() {
  const words = useText().review;
  const dealt = useReview((state) => state.dealt);
  const card = useReview((state) => (state.dealt === null ? undefined : state.cards.get(state.dealt)));
  const now = useNow(1_000);
  const { refusals, marked: _, ...shared } = useShared();
  return (
    <div className={classes.dealt} data-testid="dealt" aria-live="polite">
      {card === undefined || dealt === null ? (
        <p className={classes.blank}>{words.noCard}</p>
      ) : (
        // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- as the list
        <div role="listbox" aria-label={words.queue} tabIndex={0}>
          <CardRow
            {...shared}
            card={card}
            position={1}
            of={1}
            isHand
            isGone={false}
            isMarked={false}
            refusal={refusals.get(card.id)}
            seconds={waitingS(card, now)}
            publishS={null}
          />
        </div>
      )}
    </div>
  );
}
