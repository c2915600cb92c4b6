import { useText } from "../i18n";
import card from "../live/Card.module.css";
import { useNow } from "../ui/useNow";
import { leftToUndo } from "./undo";
import { useReview } from "./useDesk";

const SHOWN = 6;

/** One's own latest decisions, and how long each can still be undone. */
export function ShiftPart({ className }: { className: string }) {
  const words = useText().review;
  const state = useReview((whole) => whole);
  const now = useNow(500);
  return (
    <section className={className} data-testid="shift">
      <h2 className={card.title}>{words.shift.title}</h2>
      {state.done.length === 0 && <div className={card.note}>{words.shift.none}</div>}
      {state.done.slice(0, SHOWN).map((done) => {
        const left = leftToUndo(state, done, now);
        return (
          <div key={done.id} className={card.row}>
            <span>
              {words.done[done.verb]} <bdi>{done.text}</bdi>
            </span>
            <span className={card.value}>
              {left === null ? words.shift.over : left === Infinity ? words.shift.untilNext : words.shift.left(Math.ceil(left / 1_000))}
            </span>
          </div>
        );
      })}
    </section>
  );
}
