import { Kbd, UnstyledButton } from "@mantine/core";
import { useText } from "../i18n";
import { type Act, KEY_OF, type Rights } from "./keys";
import classes from "./Strip.module.css";
import { type Counts, type Pile } from "./types";
import { useDesk, useReview } from "./useDesk";
import { PILES } from "./useHands";

/** Which pile is shown, in which order, or that cards are dealt one by one. */
export function Strip({ press, rights }: { press: (act: Act) => void; rights: Rights }) {
  const words = useText().review;
  const desk = useDesk();
  const view = useReview((state) => state.view);
  const counts = useReview((state) => state.counts);
  const dealing = useReview((state) => state.dealing);
  return (
    <div className={classes.strip}>
      <nav className={classes.piles} aria-label={words.piles.label}>
        {PILES.map((pile) => (
          <UnstyledButton
            key={pile}
            className={classes.pile}
            aria-current={pile === view.pile ? "page" : undefined}
            data-pile={pile}
            title={words.pileHint[pile]}
            disabled={dealing}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => desk.show({ pile, stage: 0 })}
          >
            {words.piles[pile]} <b>{countOf(pile, counts)}</b>
          </UnstyledButton>
        ))}
        <Kbd size="xs" aria-hidden>
          {KEY_OF.pile}
        </Kbd>
      </nav>
      <UnstyledButton
        className={classes.pile}
        title={words.order.label}
        aria-keyshortcuts={KEY_OF.order}
        data-testid="order"
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => press("order")}
      >
        ⇅ {words.order[view.order]} <Kbd size="xs">{KEY_OF.order}</Kbd>
      </UnstyledButton>
      {rights.decide && (
        <UnstyledButton
          className={classes.pile}
          aria-pressed={dealing}
          aria-keyshortcuts={KEY_OF.deal}
          data-testid="deal"
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => press("deal")}
        >
          {dealing ? words.dealStop : words.dealMe} <Kbd size="xs">{KEY_OF.deal}</Kbd>
        </UnstyledButton>
      )}
    </div>
  );
}

function countOf(pile: Pile, counts: Counts | null): string {
  if (counts === null) return "";
  switch (pile) {
    case "waiting":
      return String(Object.values(counts.stages).reduce((sum, count) => sum + count, 0));
    case "blocked":
    case "held":
    case "approved":
      return String(counts[pile]);
    case "published":
    case "rejected":
    case "expired":
      return "";
  }
}
