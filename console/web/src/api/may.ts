/** What the person who is signed in may do. Pure. */
import type { Right } from "./types";

/** As the session and the websocket tell them. */
interface Held {
  readonly rights: readonly string[];
  readonly channel_rights: Readonly<Record<string, readonly string[]>>;
}

/** On this channel; without one, on any channel at all. */
export function may(who: Held | null | undefined, right: Right, channel?: string): boolean {
  if (!who) return false;
  if (who.rights.includes(right)) return true;
  if (channel !== undefined) return who.channel_rights[channel]?.includes(right) ?? false;
  return Object.values(who.channel_rights).some((rights) => rights.includes(right));
}
