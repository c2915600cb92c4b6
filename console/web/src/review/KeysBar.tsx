import { Kbd, UnstyledButton } from "@mantine/core";
import { useText } from "../i18n";
import { useNow } from "../ui/useNow";
import { barOf, type Me, type Card } from "./cards";
import classes from "./Foot.module.css";
import { type Act, KEY_OF } from "./keys";
import { inHand, type PageReason } from "./state";
import { undoable } from "./undo";
import { useReview } from "./useDesk";
import type { Hands } from "./useHands";

/** One button an act, its key on it. What cannot be done now is dimmed, and says why when it is pressed. */
export function KeysBar({ hands }: { hands: Hands }) {
  const words = useText().review;
  const state = useReview((whole) => whole);
  const now = useNow(500);
  const undo = undoable(state, now);
  const card = inHand(state);
  const many = state.marked.size;
  const label = (act: Act): string => {
    if (act === "approve" && many > 1) return words.approveMany(many);
    if (act === "reject" && many > 1) return words.rejectMany(many);
    if (act === "undo" && undo !== null && undo.leftMs !== Infinity) return words.undoIn(Math.ceil(undo.leftMs / 1_000));
    return words.acts[act as keyof typeof words.acts];
  };
  const bar = (act: Act): PageReason | null => {
    if (act === "undo") return undo === null ? "nothing_to_undo" : null;
    return many > 0 && (act === "approve" || act === "reject") ? null : barOfAct(act, card, state.me);
  };
  return (
    <div className={classes.keys} data-testid="keys">
      {hands.acts.map((act) => {
        const reason = bar(act);
        const title = act === "mark" ? words.shiftMark : undefined;
        return (
          <UnstyledButton
            key={act}
            className={classes.key}
            data-key={act}
            aria-disabled={reason !== null}
            aria-keyshortcuts={KEY_OF[act]}
            title={reason === null ? title : words.bars[reason]}
            onMouseDown={(event) => event.preventDefault()}
            onClick={(event) => hands.press(act, event.shiftKey)}
          >
            <span>{label(act)}</span>
            <Kbd size="xs">{act === "next" ? `${KEY_OF.next} S` : KEY_OF[act]}</Kbd>
          </UnstyledButton>
        );
      })}
    </div>
  );
}

function barOfAct(act: Act, card: Card | undefined, me: Me): PageReason | null {
  if (card === undefined) return "nothing";
  return act === "approve" || act === "reject" || act === "escalate" ? barOf(card, me, act) : null;
}
