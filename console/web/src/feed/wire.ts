/**
 * What the published feed says (`/api/v1/channels/CHANNEL/published`), read from its JSON. Pure.
 *
 * The public address has no OpenAPI document: shapes are checked here, and what has another shape is passed over.
 */

export interface Comment {
  id: number;
  author: string;
  text: string;
  /** Seconds since the epoch, by the server's clock. */
  publishedAt: number;
  /** Meant to cross the picture (弹幕). */
  bullet: boolean;
}

/** What viewers may do. Everything is closed until somebody opens it. */
export interface Interaction {
  comments: boolean;
  bullets: boolean;
  sharing: boolean;
}

export type FeedEvent =
  /** A connection stands. `goneMs`: since the last word of the one before; null: there was none. */
  | { type: "open"; goneMs: number | null }
  | { type: "lost" }
  | { type: "publish"; seq: number; comment: Comment }
  | { type: "retract"; seq: number; id: number }
  | { type: "interaction"; interaction: Interaction };

/** An event of the feed by its name and data; null when it is none that this page knows. */
export function readEvent(name: string | undefined, data: string, id: string | undefined): FeedEvent | null {
  const body = parse(data);
  if (body === null) return null;
  if (name === "interaction") return { type: "interaction", interaction: readInteraction(body) };
  const seq = Number(id);
  const comment = body["id"];
  if (!Number.isSafeInteger(seq) || seq <= 0 || typeof comment !== "number") return null;
  if (name === "retract") return { type: "retract", seq, id: comment };
  if (name !== "publish") return null;
  const { author, text, published_at: at } = body;
  if (typeof author !== "string" || typeof text !== "string" || typeof at !== "number") return null;
  return { type: "publish", seq, comment: { id: comment, author, text, publishedAt: at, bullet: body["bullet"] === true } };
}

export function readInteraction(body: Record<string, unknown>): Interaction {
  return { comments: body["comments"] === true, bullets: body["bullets"] === true, sharing: body["sharing"] === true };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(data: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(data);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
