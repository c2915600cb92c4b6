import { useText } from "../i18n";
import card from "../live/Card.module.css";
import { AuthorPart } from "./AuthorPart";
import type { Card } from "./cards";
import { kindsOf, namesOf } from "./highlights";
import { say, useLanguage } from "../i18n";
import { clock } from "../ui/format";
import { FilesPart } from "./FilesPart";
import { Pictures } from "./Pictures";
import classes from "./Review.module.css";
import { RevealPart } from "./RevealPart";
import { ShiftPart } from "./ShiftPart";
import { inHand } from "./state";
import { useReview } from "./useDesk";
import type { Hands } from "./useHands";

/** The program, and what is known of the card under the hand. */
export function Aside({ channel, hands }: { channel: string; hands: Hands }) {
  const text = useText();
  const current = useReview(inHand);
  const { revealed } = hands;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keyboard
    <aside className={classes.aside} aria-label={text.review.pictures} tabIndex={0}>
      <Pictures channel={channel} />
      {revealed !== null && <RevealPart key={revealed.id} channel={channel} card={revealed} onHide={hands.hide} />}
      {current !== undefined && (
        <>
          <AuthorPart channel={channel} card={current} mayLift={hands.rights.decide} />
          <HitsPart card={current} />
          <RecordPart card={current} />
        </>
      )}
      <ShiftPart className={card.card ?? ""} />
      <FilesPart channel={channel} />
    </aside>
  );
}

/** Why the card is where it is: the filter's sentence, and each find with its list, its way and its gravity. */
function HitsPart({ card: { hits, why, why_zh } }: { card: Card }) {
  const words = useText().review;
  const language = useLanguage();
  return (
    <section className={card.card} data-testid="hits">
      <h2 className={card.title}>{words.hits.title}</h2>
      <p className={classes.why}>{say(language, why, why_zh) || words.hits.none}</p>
      {kindsOf(hits).map(({ hit, times }) => (
        <div key={`${hit.list}/${hit.term}/${hit.channel}/${hit.in_author}`} className={classes.hit}>
          <b>{namesOf(hit, words.card).term}</b>
          <span>
            {namesOf(hit, words.card).list} {hit.version !== "" && `v${hit.version}`}
          </span>
          <span>{say(language, hit.channel_word, hit.channel_word_zh)}</span>
          <span data-severity={hit.severity}>
            {words.severities[hit.severity as keyof typeof words.severities] ?? hit.severity}
          </span>
          {times > 1 && <span>{words.hits.times(times)}</span>}
          {hit.in_author && <span>{words.card.inName}</span>}
        </div>
      ))}
    </section>
  );
}

/** Who decided which stage, and when. */
function RecordPart({ card: { decisions } }: { card: Card }) {
  const words = useText().review;
  if (decisions.length === 0) return null;
  return (
    <section className={card.card} data-testid="record">
      <h2 className={card.title}>{words.record.title}</h2>
      {decisions.map(({ stage, decision, by, at, code, note }) => (
        <div key={`${stage}/${at}`} className={card.row}>
          <span>
            {words.stages[String(stage) as "1" | "2" | "3"]} {words.record[decision]} · {by}
            {code !== "" && ` · ${words.codes[code as keyof typeof words.codes] ?? code}`}
            {note !== "" && ` · ${note}`}
          </span>
          <time className={card.value}>{clock(at * 1_000)}</time>
        </div>
      ))}
    </section>
  );
}
