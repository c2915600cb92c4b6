/** Duty as the page judges it. Pure. */
import type { ChannelStatus, DutyStatus, OnDuty } from "../api/types";

/** Nobody is there: the page sends the next sign of life at once. */
export function isWanted({ duty }: ChannelStatus): boolean {
  return duty.state === "asked" || isAlone(duty);
}

export function isAlone({ state }: DutyStatus): boolean {
  return state === "absent" || state === "covered";
}

/** What stands in the way of everything else, worst first: channels at which nobody is, then those that ask. */
export function wanted(channels: ChannelStatus[]): ChannelStatus[] {
  return channels.filter(isWanted).toSorted((a, b) => RANKS.indexOf(a.duty.state) - RANKS.indexOf(b.duty.state));
}

const RANKS: DutyStatus["state"][] = ["covered", "absent", "asked"];

export type Part =
  | { kind: "offered_to_me"; from: OnDuty }
  | { kind: "offered"; to: string }
  | { kind: "on_duty" }
  | { kind: "off_duty" };

/** What somebody can do about duty on a channel now. */
export function partOf({ people }: DutyStatus, user: string): Part {
  const from = people.find(({ to }) => to === user);
  if (from !== undefined) return { kind: "offered_to_me", from };
  const me = people.find((one) => one.user === user);
  if (me === undefined) return { kind: "off_duty" };
  return me.to === "" ? { kind: "on_duty" } : { kind: "offered", to: me.to };
}

/** Seconds since the epoch of what a datetime-local field holds, in this browser's time zone; null for none. */
export function timeOf(field: string): number | null {
  const at = field === "" ? Number.NaN : new Date(field).getTime();
  return Number.isNaN(at) ? null : at / 1_000;
}

/** What a datetime-local field holds for a time. */
export function fieldOf(milliseconds: number): string {
  const at = new Date(milliseconds);
  return new Date(milliseconds - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
