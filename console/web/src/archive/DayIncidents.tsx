/** Incidents on the Archive screen: those of the day in a list and on the timeline, and those that a search found. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useMay } from "../api/channels";
import type { Incident } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import classes from "./DayIncidents.module.css";
import { clockOf, dayOf } from "./days";
import { useDayIncidents } from "./questions";
import type { Room } from "./useRoom";
import { barOf, placeOf } from "./view";

/** So much of what led to an incident is shown first. */
const BEFORE_S = 5;

/** The incidents that reach into the day, the newest first; none for those who may not read them. */
export function useIncidentsOf(room: Room): readonly Incident[] {
  const may = useMay("incident:read", room.channel);
  return useDayIncidents(room.channel, room.span, may).data?.incidents ?? [];
}

export function DayIncidents({ room }: { room: Room }) {
  const words = useText().recordings.incidents;
  const found = useIncidentsOf(room);
  if (found.length === 0) return null;
  return (
    <section className={classes.list} aria-label={words.label} data-testid="day-incidents">
      <h2>{words.label}</h2>
      {found.map((one) => (
        <IncidentRow key={one.id} one={one} room={room} />
      ))}
    </section>
  );
}

/** One incident: its moment leads there, its words open it. */
export function IncidentRow({ one, room, dated = false }: { one: Incident; room: Room; dated?: boolean }) {
  const text = useText();
  const language = useLanguage();
  const said = one.report === "" ? say(language, one.words, one.words_zh) : one.report;
  const day = dated ? `${dayOf(one.happened).slice(5)} ` : "";
  return (
    <article className={classes.row} data-incident={one.id} data-tone={toneOf(one)}>
      <button type="button" title={text.recordings.incidents.go} onClick={() => room.goTo(one.happened - BEFORE_S)}>
        {day}
        {clockOf(one.happened)}
      </button>
      <Open one={one}>
        <b>{text.incidents.kinds[one.kind]}</b> <small>{text.incidents.states[one.state]}</small>
        {said !== "" && <span>{said}</span>}
      </Open>
    </article>
  );
}

/** Marks of the day's incidents above the timeline; one leads to its incident. */
export function Flags({ room }: { room: Room }) {
  const text = useText();
  const language = useLanguage();
  const found = useIncidentsOf(room);
  if (found.length === 0) return null;
  const inSight = found.filter(({ happened }) => happened >= room.view.start && happened <= room.view.end);
  return (
    <nav className={classes.flags} aria-label={text.recordings.incidents.label} data-testid="flags">
      {inSight.toReversed().map((one) => {
        const parts = [clockOf(one.happened), text.incidents.kinds[one.kind], text.incidents.states[one.state]];
        const said = [...parts, one.report === "" ? say(language, one.words, one.words_zh) : one.report].filter((part) => part !== "").join(" · ");
        return (
          <Open key={one.id} one={one} title={said} at={placeOf(room.view, one.happened)}>
            ▼
          </Open>
        );
      })}
    </nav>
  );
}

/** From when to when each incident lasted, over the tracks. */
export function IncidentSpans({ room }: { room: Room }) {
  return useIncidentsOf(room).map((one) => {
    const place = barOf(room.view, { start: one.happened, end: one.until });
    return place === null ? null : (
      <i key={one.id} className={classes.span} data-tone={toneOf(one)} style={{ left: `${place.left}%`, width: `${place.width}%` }} />
    );
  });
}

interface OpenProps {
  one: Incident;
  children: ReactNode;
  title?: string;
  /** Where it stands on the timeline, 0 to 1. */
  at?: number;
}

function Open({ one, children, title, at }: OpenProps) {
  return (
    <Link
      to="/incidents/{-$incident}"
      params={{ incident: one.id }}
      search={{ state: "all", channel: one.channel }}
      data-tone={toneOf(one)}
      {...(title === undefined ? {} : { title, "aria-label": title })}
      {...(at === undefined ? {} : { style: { left: `${at * 100}%` } })}
    >
      {children}
    </Link>
  );
}

/** Drafts wait for somebody; what is settled is dim. */
function toneOf({ state, level }: Incident): "bad" | "warn" | "info" | "dim" {
  if (state === "draft") return "warn";
  if (state === "completed") return level === "minor" ? "info" : "bad";
  return "dim";
}
