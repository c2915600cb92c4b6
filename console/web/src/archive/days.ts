/** Days and times of the person who looks, in the browser's time zone. Times: seconds since the epoch. Pure. */

export interface Span {
  start: number;
  end: number;
}

const two = (n: number) => String(n).padStart(2, "0");

/** The name of a day: 2026-11-28. */
export function dayOf(at: number): string {
  const date = new Date(at * 1_000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** A day from midnight to midnight: 23 or 25 hours where clocks change. Null: it is no day. */
export function spanOfDay(day: string): Span | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day);
  if (found === null) return null;
  const [year, month, date] = [Number(found[1]), Number(found[2]) - 1, Number(found[3])];
  const start = new Date(year, month, date);
  if (start.getMonth() !== month || start.getDate() !== date) return null;
  return { start: start.getTime() / 1_000, end: new Date(year, month, date + 1).getTime() / 1_000 };
}

export function shiftDay(day: string, days: number): string {
  const [year, month, date] = day.split("-").map(Number);
  return dayOf(new Date(year ?? 1970, (month ?? 1) - 1, (date ?? 1) + days, 12).getTime() / 1_000);
}

/** The first day of the month that lies so many months away: 2026-11-01. */
export function shiftMonth(day: string, months: number): string {
  const [year, month] = day.split("-").map(Number);
  return dayOf(new Date(year ?? 1970, (month ?? 1) - 1 + months, 1, 12).getTime() / 1_000);
}

/** The weeks of a day's month, Monday first; null: no day of it. */
export function weeksOf(day: string): (string | null)[][] {
  const [year, month] = day.split("-").map(Number);
  const first = new Date(year ?? 1970, (month ?? 1) - 1, 1);
  const count = new Date(first.getFullYear(), first.getMonth() + 1, 0).getDate();
  const before = (first.getDay() + 6) % 7;
  const cells: (string | null)[] = Array.from({ length: before }, () => null);
  for (let date = 1; date <= count; date += 1) cells.push(`${day.slice(0, 8)}${two(date)}`);
  while (cells.length % 7 !== 0) cells.push(null);
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(7 * week, 7 * week + 7));
}

/** From the first midnight of a month to the last. */
export function spanOfMonth(day: string): Span {
  const [year, month] = day.split("-").map(Number);
  const at = (more: number) => new Date(year ?? 1970, (month ?? 1) - 1 + more, 1).getTime() / 1_000;
  return { start: at(0), end: at(1) };
}

/** Times pass through a video's clock and back: what is nearer than this is the same. */
const JITTER_S = 0.0005;

/** 14:03:09, or with `digits` behind the second 14:03:09.20. Rounded down: a clock never shows what is to come. */
export function clockOf(at: number, digits = 0): string {
  const scale = 10 ** digits;
  const whole = Math.floor((at + JITTER_S) * scale) / scale;
  const date = new Date(whole * 1_000 + 0.0005);
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (digits === 0) return text;
  const rest = Math.round((whole - Math.floor(whole)) * scale);
  return `${text}.${String(rest).padStart(digits, "0")}`;
}

export function zoneOfBrowser(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/**
 * A time that somebody typed, on the day that is shown: "14:03", "14:03:09", "2026-11-12 14:03", an ISO time or seconds
 * since the epoch. Null: it is none.
 */
export function readTime(text: string, day: string): number | null {
  const typed = text.trim();
  if (/^\d{9,11}(\.\d+)?$/.test(typed)) return Number(typed);
  const found = /^(?:(\d{4}-\d\d-\d\d)(?:[ T]|$))?(?:(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d+)?))?)?$/.exec(typed);
  if (typed !== "" && found !== null) {
    const span = spanOfDay(found[1] ?? day);
    const [hours, minutes, seconds] = [Number(found[2] ?? 0), Number(found[3] ?? 0), Number(found[4] ?? 0)];
    if (span === null || hours > 23 || minutes > 59 || seconds >= 60) return null;
    const date = new Date(span.start * 1_000);
    date.setHours(hours, minutes, 0, 0);
    return date.getTime() / 1_000 + seconds;
  }
  if (!/^\d{4}-\d\d-\d\dT/.test(typed)) return null;
  const at = new Date(typed).getTime() / 1_000;
  return Number.isFinite(at) ? at : null;
}
