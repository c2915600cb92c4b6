/** One day of a channel at the desk: its timeline, the playhead, what is in sight of it, the span that is marked. */
import { useEffect, useEffectEvent, useMemo, useState } from "react";
import { letterOf, typesText } from "../live/keyboard";
import { useFilters } from "../ui/useFilters";
import { delayAt } from "./airing";
import { dayOf, type Span, spanOfDay } from "./days";
import { Deck } from "./deck";
import { type Act, actOf } from "./keys";
import { type DayTimeline, useEvents, useTimeline } from "./questions";
import { firstView, fit, follow, neighbour, pan, zoom } from "./view";

export interface Marks {
  in: number | null;
  out: number | null;
}

export type Panel = "export" | "hold" | null;

export interface Room {
  channel: string;
  day: string;
  span: Span;
  line: DayTimeline | undefined;
  asked: ReturnType<typeof useTimeline>;
  deck: Deck;
  view: Span;
  marks: Marks;
  panel: Panel;
  typed: string;
  look: (view: Span) => void;
  mark: (marks: Marks) => void;
  open: (panel: Panel) => void;
  search: (typed: string) => void;
  goTo: (at: number) => void;
  press: (act: Act) => void;
}

const JUMP_S = 10;
const CLOSER = 0.6;
const NO_MARKS: Marks = { in: null, out: null };

/** The span that is marked; null: none, or not whole. */
export function spanOf({ in: start, out: end }: Marks): Span | null {
  return start !== null && end !== null && start < end ? { start, end } : null;
}

/** `focusSearch` brings the person to the field. */
export function useRoom(channel: string, day: string, focusSearch: () => void): Room {
  const span = useMemo(() => spanOfDay(day) ?? { start: 0, end: 86_400 }, [day]);
  const [address, change] = useFilters(["day", "t", "q"]);
  const asked = useTimeline(channel, span);
  const events = useEvents(channel, span);
  const line = asked.data;
  const [deck] = useState(() => new Deck(channel));
  const [view, look] = useState<Span | null>(null);
  const [marks, mark] = useState(NO_MARKS);
  const [panel, open] = useState<Panel>(null);
  // What the address says, or where the day's recordings begin.
  const given = Number(address.t);
  const first = given >= span.start && given < span.end ? given : line?.recorded[0]?.start;
  const whole = line === undefined ? span : firstView(span, line.recorded);
  const shown = view ?? (first === undefined ? whole : follow(whole, span, first));

  const goTo = (at: number): void => {
    const wanted = dayOf(at);
    const t = at.toFixed(1);
    change(wanted === day ? { day, t } : { day: wanted, t });
    if (wanted !== day) return; // its room begins there
    void deck.goTo(at);
    look(follow(shown, span, at));
  };

  // The first timeline says where to begin; later ones only what came since.
  const begin = useEffectEvent(() => {
    if (first !== undefined && deck.store.getState().at === null) void deck.goTo(Math.max(first, span.start));
  });
  useEffect(() => {
    if (line === undefined) return;
    deck.learn(line.recorded, (at) => delayAt(line.aired, at));
    begin();
  }, [deck, line]);

  const turn = useEffectEvent((at: number) => {
    const next = follow(shown, span, at);
    if (next !== shown) look(next);
  });
  useEffect(() => deck.store.subscribe(({ at, playing }) => void (playing && at !== null && turn(at))), [deck]);

  const press = (act: Act): void => {
    const { at } = deck.store.getState();
    const around = at ?? (shown.start + shown.end) / 2;
    switch (act) {
      case "play":
        return deck.toggle();
      case "back":
        return deck.jump(-JUMP_S);
      case "ahead":
        return deck.jump(JUMP_S);
      case "frameBack":
      case "frame":
        return void deck.step(act === "frame" ? 1 : -1);
      case "slower":
      case "faster":
        return deck.speed(act === "faster" ? 1 : -1);
      case "previous":
      case "next": {
        const times = landmarks(line, events.data?.events ?? []);
        const found = at === null ? null : neighbour(times, at, act === "next" ? 1 : -1);
        return found === null ? undefined : goTo(found);
      }
      case "in":
        return mark({ in: at, out: marks.out !== null && at !== null && marks.out <= at ? null : marks.out });
      case "out":
        return mark({ in: marks.in !== null && at !== null && marks.in >= at ? null : marks.in, out: at });
      case "export":
      case "hold":
        return open(panel === act ? null : act);
      case "closer":
        return look(zoom(shown, span, CLOSER, around));
      case "wider":
        return look(zoom(shown, span, 1 / CLOSER, around));
      case "search":
        return focusSearch();
    }
  };

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape") open(null);
    if (typesText(event.target) || event.target instanceof HTMLSelectElement) return;
    // Space and Enter press the button that has the focus.
    if (event.key === " " && event.target instanceof HTMLElement && event.target.closest("button, a, summary") !== null) return;
    const act = actOf(event, letterOf(event));
    if (act === null || (event.repeat && !REPEATS.has(act))) return;
    event.preventDefault();
    press(act);
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => onKey(event);
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);

  return {
    channel,
    day,
    span,
    line,
    asked,
    deck,
    view: shown,
    marks,
    panel,
    typed: address.q,
    look: (wanted) => look(fit(wanted, span)),
    mark,
    open,
    search: (q) => change({ q }),
    goTo,
    press,
  };
}

const REPEATS: ReadonlySet<Act> = new Set(["back", "ahead", "frame", "frameBack", "closer", "wider"]);

/** Where something begins that one looks for: gaps, what did not air, what happened. */
function landmarks(line: DayTimeline | undefined, events: readonly { at: number }[]): number[] {
  if (line === undefined) return [];
  const times = [...line.losses, ...line.held_back, ...line.recorded].map(({ start }) => start);
  const inside = (at: number) => line.recorded.some(({ start, end }) => start <= at && at < end);
  return [...times, ...line.cuts, ...events.map(({ at }) => at)].filter(inside).toSorted((a, b) => a - b);
}

export function panned(view: Span, span: Span, part: number): Span {
  return pan(view, span, (view.end - view.start) * part);
}
