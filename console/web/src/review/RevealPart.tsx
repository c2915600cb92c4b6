import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useText } from "../i18n";
import card from "../live/Card.module.css";
import { ProblemLine } from "../ui/Page";
import { reveal } from "./api";
import type { Card } from "./cards";
import classes from "./Review.module.css";

/** A card's comments as they were written, personal data included. Asked for once: the console records that it was. */
export function RevealPart({ channel, card: current, onHide }: { channel: string; card: Card; onHide: () => void }) {
  const words = useText().review.reveal;
  const asked = useQuery({
    queryKey: ["revealed", channel, current.id, current.version],
    queryFn: () => reveal(channel, current.id),
    staleTime: Infinity,
    gcTime: 0, // hidden, it is forgotten: to look again is another act
    retry: false,
  });
  return (
    <section className={card.card} data-testid="revealed" aria-live="polite">
      <h2 className={card.title}>{words.title}</h2>
      <ProblemLine error={asked.error} />
      {asked.data?.comments.map(({ id, author, text }) => (
        <p key={id} className={classes.revealed}>
          <bdi>{author}</bdi>: <bdi>{text}</bdi>
        </p>
      ))}
      <p className={card.note}>{words.recorded}</p>
      <Button size="compact-xs" variant="default" onClick={onHide}>
        {words.hide}
      </Button>
    </section>
  );
}
