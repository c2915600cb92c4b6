import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useLanguage, useText } from "../i18n";
import card from "../live/Card.module.css";
import { ProblemLine } from "../ui/Page";
import { byWhom, shortTime } from "../ui/people";
import { askAuthor } from "./api";
import type { Card } from "./cards";
import { REVIEW_KEY } from "./desk";
import classes from "./Review.module.css";
import type { AuthorRecord, BanView } from "./types";
import { useDesk } from "./useDesk";

/** An author's record is worth a moment's age: one walks past many cards. */
const FRESH_MS = 10_000;
const NEWEST = 3;

/** What became of the author's comments so far, and bans in force. */
export function AuthorPart({ channel, card: current, mayLift }: { channel: string; card: Card; mayLift: boolean }) {
  const words = useText().review.author;
  const record = useQuery({
    queryKey: [...REVIEW_KEY, channel, "author", current.source, current.author_id],
    queryFn: () => askAuthor(channel, current.id),
    staleTime: FRESH_MS,
    retry: false,
  });
  return (
    <section className={card.card} data-testid="author">
      <h2 className={card.title}>
        <bdi>{words.title(current.author)}</bdi>
      </h2>
      {current.authors.length > 1 && (
        <p className={classes.why}>
          {words.names(current.authors.length)} <bdi>{current.authors.join(" · ")}</bdi>
        </p>
      )}
      <ProblemLine error={record.error} />
      {record.data !== undefined && <Record record={record.data} mayLift={mayLift} />}
      {record.data !== undefined && <Trusted record={record.data} card={current.id} may={mayLift} />}
      <div className={card.row}>
        <span>{words.source}</span>
        <span className={card.value}>{current.source}</span>
      </div>
    </section>
  );
}

function Record({ record: { states, retracted, first_at, comments, bans }, mayLift }: { record: AuthorRecord; mayLift: boolean }) {
  const words = useText().review.author;
  const language = useLanguage();
  return (
    <>
      <div className={card.row}>
        <span>{words.published}</span>
        <span className={card.value}>
          {states["published"] ?? 0} / {states["rejected"] ?? 0}
        </span>
      </div>
      <div className={card.row}>
        <span>{words.others}</span>
        <span className={card.value}>
          {(states["waiting"] ?? 0) + (states["approved"] ?? 0)} / {states["blocked"] ?? 0}
        </span>
      </div>
      {retracted > 0 && (
        <div className={card.row}>
          <span>{words.retracted}</span>
          <span className={card.value}>{retracted}</span>
        </div>
      )}
      {first_at !== null && (
        <div className={card.row}>
          <span>{words.first}</span>
          <time className={card.value}>{shortTime(first_at, language)}</time>
        </div>
      )}
      {comments.slice(0, NEWEST).map(({ id, text }, index) => (
        <div key={id} className={card.row}>
          <span>{index === 0 ? words.newest : ""}</span>
          <bdi className={`${card.value} ${classes.latest}`}>{text}</bdi>
        </div>
      ))}
      {bans.map((ban) => (
        <Banned key={ban.id} ban={ban} mayLift={mayLift} />
      ))}
    </>
  );
}

/** Whether the author is known to the reviewers: that raises the order of new cards, and skips nothing. */
function Trusted({ record, card: id, may }: { record: AuthorRecord; card: number; may: boolean }) {
  const text = useText();
  const words = text.review.author;
  const language = useLanguage();
  const desk = useDesk();
  const { trusted, trusted_by, trusted_at } = record;
  if (!trusted && !may) return null;
  return (
    <p className={classes.why} data-testid="trust">
      {trusted && `★ ${words.trusted(byWhom(trusted_by, text), trusted_at === null ? "" : shortTime(trusted_at, language))} `}
      {may && (
        <Button size="compact-xs" variant="default" title={words.trustHint} onClick={() => void desk.trust(id, !trusted)}>
          {trusted ? words.untrust : words.trust}
        </Button>
      )}
    </p>
  );
}

function Banned({ ban: { id, by, cause, ends_at }, mayLift }: { ban: BanView; mayLift: boolean }) {
  const text = useText();
  const words = text.review.author;
  const language = useLanguage();
  const desk = useDesk();
  return (
    <p className={classes.banned}>
      ⛔ {ends_at === null ? words.bannedForGood : words.banned(shortTime(ends_at, language))} · {words.by(byWhom(by, text), cause)}{" "}
      {mayLift && (
        <Button size="compact-xs" variant="default" onClick={() => void desk.liftBan(id)}>
          {words.lift}
        </Button>
      )}
    </p>
  );
}
