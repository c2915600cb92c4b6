/** A viewer's own comments: seen by their author alone until they are published, and what became of them. Pure. */

/** Own comments that are shown. */
export const KEPT = 20;

export type OwnState = "sending" | "waiting" | "published" | "rejected" | "retracted" | "expired";

export interface Own {
  /** What the page calls it. */
  clientId: string;
  /** What the server calls it; null: it has not answered yet. */
  id: number | null;
  text: string;
  state: OwnState;
}

export type OwnEvent =
  | { type: "sent"; clientId: string; text: string }
  | { type: "accepted"; clientId: string; id: number; state: OwnState }
  | { type: "refused"; clientId: string }
  /** What the server knows of this viewer, oldest first. */
  | { type: "told"; own: readonly Own[] };

export function reduceOwn(own: readonly Own[], event: OwnEvent): readonly Own[] {
  switch (event.type) {
    case "sent": {
      const others = own.filter((one) => one.clientId !== event.clientId);
      return [...others, { clientId: event.clientId, id: null, text: event.text, state: "sending" as const }].slice(-KEPT);
    }
    case "accepted":
      return own.map((one) => (one.clientId === event.clientId ? { ...one, id: event.id, state: event.state } : one));
    case "refused":
      return own.filter((one) => one.clientId !== event.clientId);
    case "told": {
      const known = new Set(event.own.map((one) => one.clientId));
      const onTheWay = own.filter((one) => !known.has(one.clientId));
      return [...event.own, ...onTheWay].slice(-KEPT);
    }
  }
}

/** Those that stand apart from the published comments: what waits, and what became of the others. */
export function apart(own: readonly Own[], published: ReadonlySet<number>): readonly Own[] {
  return own.filter((one) => one.state !== "published" && (one.id === null || !published.has(one.id)));
}

/** Whether there is still something to learn. */
export function isOpen(own: readonly Own[]): boolean {
  return own.some((one) => one.state === "waiting" || one.state === "sending");
}
