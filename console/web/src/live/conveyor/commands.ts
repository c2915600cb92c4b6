/** What the hand asks of the gate. Times go as moments of arrival, by the server's clock: the film moves on meanwhile. */
import { client } from "../../api/client";
import type { ChannelStatus } from "../../api/types";
import { wireOf } from "./box";
import type { Edge } from "./hand";
import type { Redaction } from "./keys";
import { act, useHand } from "./stores";

/** A pulled end stays where it was let go until the state says where it is. */
const PULLED_MS = 600;

export const commit = {
  /** Condemns the span that is chosen. */
  condemn(channel: ChannelStatus): void {
    const { chosen } = useHand.getState();
    if (chosen === null) return;
    client.send(channel.name, "condemn", { from_at: chosen.from, to_at: chosen.to });
    act({ type: "done" });
  },

  /** Has the span that is chosen air with something else in the place of its sound, or a mosaic over its picture. */
  redact(channel: ChannelStatus, how: Redaction): void {
    const { chosen, box } = useHand.getState();
    if (chosen === null) return;
    const covers = how === "mosaic" && box !== null ? { box: wireOf(box) } : {};
    client.send(channel.name, "redact", { from_at: chosen.from, to_at: chosen.to, with: how, ...covers });
    act({ type: "done" });
  },

  /** Moves an end of a condemned span. */
  move(channel: ChannelStatus, id: string, edge: Edge, at: number): void {
    const span = channel.spans.find((one) => one.id === id);
    if (span === undefined || span.to_at === null) return;
    const ends = edge === "from" ? { from_at: Math.min(at, span.to_at), to_at: span.to_at } : { from_at: span.from_at, to_at: Math.max(at, span.from_at) };
    client.send(channel.name, "move", { span: id, ...ends });
    window.setTimeout(() => act({ type: "pull", pull: null }), PULLED_MS);
  },
};
