/** A key that acts after it was held: on a phone, a touch in passing must not cut. Pure. */

export const HOLD_MS = 700;
/** How long the page says that a touch was too short. */
export const SHORT_SHOWN_MS = 2_500;

export type Hold =
  | { at: "rest" }
  | { at: "held"; since: number }
  /** It acted. `down`: the finger is still there. */
  | { at: "done"; down: boolean }
  | { at: "short"; since: number };

export type HoldEvent = { kind: "down" | "up" | "cancel" | "tick"; now: number };

/** The next state; it acts when a `held` becomes `done`, once for each time it was held. */
export function step(hold: Hold, { kind, now }: HoldEvent): Hold {
  switch (kind) {
    case "down":
      return hold.at === "held" || (hold.at === "done" && hold.down) ? hold : { at: "held", since: now };
    case "up":
      if (hold.at === "held") return now - hold.since >= HOLD_MS ? { at: "done", down: false } : { at: "short", since: now };
      return hold.at === "done" ? { at: "rest" } : hold;
    case "cancel":
      return hold.at === "held" ? { at: "short", since: now } : hold.at === "done" ? { at: "rest" } : hold;
    case "tick":
      if (hold.at === "held" && now - hold.since >= HOLD_MS) return { at: "done", down: true };
      if (hold.at === "done" && !hold.down) return { at: "rest" };
      if (hold.at === "short" && now - hold.since >= SHORT_SHOWN_MS) return { at: "rest" };
      return hold;
  }
}

export function acts(before: Hold, after: Hold): boolean {
  return before.at === "held" && after.at === "done";
}
