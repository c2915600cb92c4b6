import { UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { useLanguage, useText } from "../i18n";
import { useFilters } from "../ui/useFilters";
import { ProblemLine } from "../ui/Page";
import classes from "./Calendar.module.css";
import { dayOf, shiftMonth, spanOfDay, weeksOf } from "./days";
import { type RecordedDay, useDays } from "./questions";
import type { Room } from "./useRoom";

/** The month: which days have recordings, gaps, cuts, holds. */
export function Calendar({ room }: { room: Room }) {
  const words = useText().recordings.calendar;
  const language = useLanguage();
  const [month, setMonth] = useState(room.day);
  const asked = useDays(room.channel, month);
  const [, change] = useFilters(["day", "t", "q"]);
  const days = new Map(asked.data?.days.map((one) => [one.day, one]));
  const [today] = useState(() => dayOf(Date.now() / 1_000));
  const first = new Date((spanOfDay(shiftMonth(month, 0))?.start ?? 0) * 1_000);
  const title = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { year: "numeric", month: language === "zh" ? "long" : "short" }).format(first);
  return (
    <section aria-label={words.label} data-testid="calendar" aria-busy={asked.isFetching}>
      <div className={classes.head}>
        <UnstyledButton className={classes.turn} aria-label={words.before} onClick={() => setMonth(shiftMonth(month, -1))}>
          ‹
        </UnstyledButton>
        <b>{title}</b>
        <UnstyledButton className={classes.turn} aria-label={words.after} onClick={() => setMonth(shiftMonth(month, 1))}>
          ›
        </UnstyledButton>
        <UnstyledButton className={classes.turn} onClick={() => (setMonth(today), change({ day: today, t: "" }))}>
          {words.today}
        </UnstyledButton>
      </div>
      <div className={classes.week} aria-hidden>
        {words.week.map((name) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      {weeksOf(month).map((week) => (
        <div key={week.find((one) => one !== null)} className={classes.week}>
          {week.map((day, place) =>
            day === null ? (
              // oxlint-disable-next-line react/no-array-index-key -- empty places have nothing else
              <span key={place} />
            ) : (
              <Cell key={day} day={day} known={days.get(day)} chosen={day === room.day} today={day === today} onPick={() => change({ day, t: "" })} />
            ),
          )}
        </div>
      ))}
      <p className={classes.legend}>{words.legend}</p>
      <ProblemLine error={asked.error} />
    </section>
  );
}

interface CellProps {
  day: string;
  known: RecordedDay | undefined;
  chosen: boolean;
  today: boolean;
  onPick: () => void;
}

function Cell({ day, known, chosen, today, onPick }: CellProps) {
  const words = useText().recordings.calendar;
  const state = known === undefined ? "none" : known.cuts > 0 ? "cut" : known.losses > 0 ? "gap" : "whole";
  const said = [
    known === undefined ? words.nothing : words.recorded((known.seconds / 3_600).toFixed(1)),
    known !== undefined && known.cuts > 0 && words.cuts(known.cuts),
    known !== undefined && known.losses > 0 && words.losses(known.losses),
    known?.held === true && words.held,
  ].filter((one) => typeof one === "string");
  return (
    <UnstyledButton
      className={classes.day}
      data-state={state}
      data-day={day}
      data-today={today}
      aria-pressed={chosen}
      aria-label={`${Number(day.slice(8))}: ${said.join(", ")}`}
      title={said.join(" · ")}
      onClick={onPick}
    >
      {Number(day.slice(8))}
      {known?.held === true && <i aria-hidden />}
    </UnstyledButton>
  );
}
