/** Rows that run along with the pictures; only those in sight are drawn. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useMemo, useRef } from "react";
import { readRecord, text as plain } from "../audit/record";
import { sentence } from "../audit/words";
import { useLanguage, useText } from "../i18n";
import { Answer } from "../ui/Page";
import { byWhom } from "../ui/people";
import { delayAt, lastUntil } from "./airing";
import classes from "./Aside.module.css";
import { clockOf } from "./days";
import { type RecordComment, type RecordEvent, useEvents, type useComments } from "./questions";
import { useDeck } from "./useDeck";
import type { Room } from "./useRoom";

const ROW_PX = 46;
/** So much of what led to an action is shown first. */
const BEFORE_S = 5;
/** The picture of a moment began up to so long before it. */
const PICTURE_S = 0.1;

/** What people did and what the program noted, by the time that it came in. */
export function EventRows({ room }: { room: Room }) {
  const words = useText().recordings.events;
  const asked = useEvents(room.channel, room.span);
  const rows = asked.data?.events ?? [];
  const now = useDeck(room.deck, ({ at }) => (at === null ? -1 : lastUntil(rows, at)));
  return (
    <Answer asked={asked}>
      {rows.length === 0 && <p className={classes.blank}>{words.nothing}</p>}
      {asked.data?.more === true && <p className={classes.hint}>{words.more}</p>}
      <Rows rows={rows} now={now} testid="events">
        {(one) => <EventRow one={one} onPick={() => room.goTo(one.at - BEFORE_S)} />}
      </Rows>
    </Answer>
  );
}

export function EventRow({ one, onPick, dated = false }: { one: RecordEvent; onPick: () => void; dated?: boolean }) {
  const text = useText();
  const language = useLanguage();
  const record = useMemo(() => readRecord(one.record), [one.record]);
  const refused = record.error !== "" && record.answer !== "stored";
  const who = record.who === "" ? "" : ` · ${byWhom(record.who, text)}`;
  return (
    <button type="button" className={classes.row} data-level={plain(record.all.level)} onClick={onPick}>
      <time>{when(one.at, dated)}</time>
      <span>
        {sentence(record, language)}
        {who}
        {refused && ` · ${text.audit.outcomes.refused}`}
      </span>
    </button>
  );
}

interface CommentProps {
  room: Room;
  asked: ReturnType<typeof useComments>;
  may: boolean;
}

/** Comments by the time that their writers saw: one delay after what came in. */
export function CommentRows({ room, asked, may }: CommentProps) {
  const words = useText().recordings.events;
  const rows = asked.data?.comments ?? [];
  const now = useDeck(room.deck, ({ airedAt }) => (airedAt === null ? -1 : lastUntil(rows, airedAt + PICTURE_S)));
  if (!may) return <p className={classes.blank}>{words.forbidden}</p>;
  return (
    <Answer asked={asked}>
      {rows.length === 0 && <p className={classes.blank}>{words.noComments}</p>}
      <Rows rows={rows} now={now} testid="comments">
        {(one) => <CommentRow one={one} onPick={() => room.goTo(seenAt(room, one.at))} />}
      </Rows>
    </Answer>
  );
}

/** The moment of the recording that was on air when somebody wrote. */
export function seenAt(room: Room, at: number): number {
  const aired = room.line?.aired ?? [];
  return at - delayAt(aired, at - delayAt(aired, at));
}

export function CommentRow({ one, onPick, dated = false }: { one: RecordComment; onPick: () => void; dated?: boolean }) {
  const words = useText().recordings.events.states;
  const kind = one.retracted_at === null ? one.state : "retracted";
  const state = words[kind as keyof typeof words] ?? kind;
  return (
    <button type="button" className={classes.row} onClick={onPick}>
      <time>{when(one.at, dated)}</time>
      <span>
        <b>{one.author}</b> {one.text}
        <small data-state={kind}>{state}</small>
      </span>
    </button>
  );
}

function when(at: number, dated: boolean): string {
  const date = new Date(at * 1_000);
  return dated ? `${date.getMonth() + 1}-${date.getDate()} ${clockOf(at)}` : clockOf(at);
}

interface RowsProps<Row> {
  rows: readonly Row[];
  /** The row of the moment that is shown; -1: none. */
  now: number;
  testid: string;
  children: (row: Row) => ReactNode;
}

function Rows<Row>({ rows, now, testid, children }: RowsProps<Row>) {
  const scroller = useRef<HTMLDivElement>(null);
  // oxlint-disable-next-line react/incompatible-library -- as its docs say: it is not handed on
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW_PX, overscan: 6 });
  useEffect(() => {
    // Somebody who reads elsewhere in the list is left there.
    if (now >= 0 && scroller.current?.matches(":hover, :focus-within") === false) virtual.scrollToIndex(now, { align: "center" });
  }, [virtual, now]);
  return (
    <div ref={scroller} className={classes.scroller} data-testid={testid}>
      <div className={classes.rows} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start, key }) => {
          const row = rows[index];
          return row === undefined ? null : (
            <div
              key={key}
              ref={virtual.measureElement}
              data-index={index}
              data-now={index === now}
              className={classes.place}
              style={{ transform: `translateY(${start}px)` }}
            >
              {children(row)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
