/** The published feed as one value, and how it changes. Pure: events go in; what crosses the picture comes out. */
import type { Comment, FeedEvent, Interaction } from "./wire";

/** Comments that a page keeps; older ones leave it. */
export const MOST = 200;
/** After a longer break, what was published meanwhile is only listed: it no longer belongs to this moment. */
export const MISSED_MS = 30_000;

export interface FeedState {
  link: "connecting" | "up" | "lost";
  /** Number of the newest event that was taken in. */
  seq: number;
  /** Published comments, the oldest first, at most `MOST`. */
  comments: readonly Comment[];
  /** null: not told yet. */
  interaction: Interaction | null;
  /** What comes now was published before this connection; the feed then says what is open. */
  backlog: "none" | "missed" | "old";
}

export const EMPTY: FeedState = { link: "connecting", seq: 0, comments: [], interaction: null, backlog: "old" };

export interface Change {
  state: FeedState;
  /** Comments that are new at this moment. */
  fresh: Comment[];
  /** Numbers of comments that were taken back. */
  gone: number[];
}

/** Takes events in, in their order. What was taken in before counts once. */
export function take(state: FeedState, events: readonly FeedEvent[]): Change {
  const change: Change = { state, fresh: [], gone: [] };
  for (const event of events) {
    if ((event.type === "publish" || event.type === "retract") && event.seq <= change.state.seq) continue;
    if (event.type === "publish" && change.state.backlog !== "old") change.fresh.push(event.comment);
    if (event.type === "retract") change.gone.push(event.id);
    change.state = step(change.state, event);
  }
  const gone = new Set(change.gone);
  return { ...change, fresh: change.fresh.filter((comment) => !gone.has(comment.id)) };
}

function step(state: FeedState, event: FeedEvent): FeedState {
  switch (event.type) {
    case "open":
      return { ...state, link: "up", backlog: event.goneMs !== null && event.goneMs <= MISSED_MS ? "missed" : "old" };
    case "lost":
      return { ...state, link: "lost" };
    case "publish":
      return { ...state, seq: event.seq, comments: add(state.comments, event.comment) };
    case "retract":
      return { ...state, seq: event.seq, comments: state.comments.filter((comment) => comment.id !== event.id) };
    case "interaction":
      return { ...state, interaction: event.interaction, backlog: "none" };
  }
}

function add(comments: readonly Comment[], comment: Comment): readonly Comment[] {
  if (comments.some((one) => one.id === comment.id)) return comments;
  return [...comments.slice(Math.max(0, comments.length - MOST + 1)), comment];
}
