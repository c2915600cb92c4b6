import { memo } from "react";
import type { Problem } from "../api/types";
import { type Language, say, type Strings } from "../i18n";
import { duration } from "../ui/format";
import { age, barOf, type Card, hasDecided, type Me, pileOf, takenBy, toneOf } from "./cards";
import classes from "./CardRow.module.css";
import { kindsOf, namesOf } from "./highlights";
import { Words } from "./Words";

interface Props {
  card: Card;
  /** From 1, of so many; -1: of how many is not known. */
  position: number;
  of: number;
  isHand: boolean;
  isGone: boolean;
  isMarked: boolean;
  refusal: Pick<Problem, "error" | "error_zh"> | undefined;
  /** It waits so long. */
  seconds: number;
  /** It is published in so long. */
  publishS: number | null;
  me: Me;
  language: Language;
  words: Strings["review"];
}

const SHAPES = { fresh: "●", slow: "▲", late: "◆" } as const;

/** One card of the list. Drawn anew only when something of it has changed. */
export const CardRow = memo(function CardRow(props: Props) {
  const { card, position, of, isHand, isGone, isMarked, refusal, seconds, publishS, me, language, words } = props;
  const taken = takenBy(card, me);
  const tone = toneOf(seconds);
  const open = card.state === "waiting" || card.state === "blocked";
  return (
    <div
      id={`card-${card.id}`}
      className={classes.card}
      // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- <option> holds text only
      role="option"
      tabIndex={-1}
      aria-selected={isMarked}
      aria-current={isHand}
      aria-posinset={position}
      aria-setsize={of}
      data-card={card.id}
      data-stages={card.stages}
      data-busy={taken !== "" || isGone}
      data-marked={isMarked}
    >
      {open ? (
        <time className={classes.age} data-tone={tone} title={words.card.tone[tone]}>
          <i aria-hidden>{SHAPES[tone]}</i> {age(seconds)}
        </time>
      ) : (
        <span className={classes.age} />
      )}
      <p className={classes.text}>
        {isMarked && <b className={classes.mark}>☑ {words.card.marked} </b>}
        <Words text={card.text} hits={card.hits.filter(({ in_author }) => !in_author)} />
      </p>
      <div className={classes.stage}>
        <span>{card.state === "blocked" ? words.card.byMachine : words.verdicts[card.verdict as keyof typeof words.verdicts]}</span>
        <Path card={card} words={words} />
      </div>
      <p className={classes.meta}>
        <Words text={card.author} hits={card.hits.filter(({ in_author }) => in_author)} />
        {factsOf(card, language, words).map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
        {publishS !== null && <b>{publishS > 0 ? words.card.publishIn(publishS) : words.card.publishing}</b>}
      </p>
      <Says {...{ card, isGone, taken, me, words }} />
      {refusal !== undefined && (
        <p className={classes.bad}>
          ⚠ {say(language, refusal.error, refusal.error_zh)}
        </p>
      )}
    </div>
  );
});

/** 初审 → 复审 → 终审: what was approved, what decides next, what is still to come. */
function Path({ card, words }: { card: Card; words: Strings["review"] }) {
  const approved = card.decisions.filter(({ decision }) => decision === "approve").length;
  return (
    <span className={classes.path}>
      {(["1", "2", "3"] as const).slice(0, card.stages).map((stage, index) => (
        <span key={stage} data-now={card.state === "waiting" && Number(stage) === card.stage}>
          {index > 0 && <i aria-hidden>→</i>}
          {index < approved && "✓"}
          {words.stagesShort[stage]}
        </span>
      ))}
    </span>
  );
}

function factsOf(card: Card, language: Language, words: Strings["review"]): string[] {
  const facts = kindsOf(card.hits).map(({ hit, times }) => {
    const { term, list } = namesOf(hit, words.card);
    const said = words.card.hitOf(term, list, say(language, hit.channel_word, hit.channel_word_zh));
    return [said, times > 1 ? words.hits.times(times) : "", hit.in_author ? words.card.inName : ""].filter(Boolean).join(" ");
  });
  if (card.count > 1) facts.push(words.card.count(card.count));
  if (card.bullets > 0) facts.push(words.card.bullet);
  if (card.masked) facts.push(words.card.masked);
  if (card.at_media_s !== null) facts.push(words.card.moment(duration(card.at_media_s)));
  if (card.trusted) facts.push(words.card.trusted);
  if (card.escalated) facts.push(words.card.escalated);
  if (card.rescued) facts.push(words.card.rescued);
  if (card.retracted.length > 0) facts.push(words.card.retracted(card.retracted.length, card.comments.length));
  return facts;
}

interface Said {
  card: Card;
  isGone: boolean;
  taken: string;
  me: Me;
  words: Strings["review"];
}

/** Who has it, or why it is not decided by whoever looks. */
function Says({ card, isGone, taken, me, words }: Said) {
  const last = card.decisions.at(-1);
  if (isGone) {
    const what = words.card.gone[pileOf(card)];
    return <p className={classes.says}>{last === undefined ? what : words.card.by(what, last.by)}</p>;
  }
  if (card.held !== "" && pileOf(card) === "held") return <p className={classes.says}>⏸ {words.card.held(card.held)}</p>;
  if (taken !== "") return <p className={classes.says}>✎ {words.card.works(taken)}</p>;
  if (card.state === "waiting" && hasDecided(card, me)) return <p className={classes.says}>⊘ {words.card.samePerson}</p>;
  if (barOf(card, me) === "not_entitled") {
    const stage = String(card.stage) as "1" | "2" | "3";
    return <p className={classes.says}>⊘ {words.card.notEntitled(words.stages[stage])}</p>;
  }
  if (card.state === "rejected" && last !== undefined) {
    const code = words.codes[last.code as keyof typeof words.codes] ?? last.code;
    const why = [code, last.note].filter(Boolean).join(": ");
    return <p className={classes.says}>{[words.card.by(words.done.reject, last.by), words.card.rejectedFor(why)].join(" · ")}</p>;
  }
  return null;
}
