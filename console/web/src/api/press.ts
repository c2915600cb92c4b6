/** Whether a key may be pressed now, by this person on this channel. Pure. */
import { person } from "../ui/format";
import { may } from "./may";
import { type ConsoleState, type LocalReason, whyNot } from "./reducer";
import type { ChannelStatus, Command, CommandRequest, Right, WaitingRestore } from "./types";

type Known = Pick<ConsoleState, "link" | "gateUp" | "user" | "rights" | "channels">;

/** The right that each command needs, as the console's table has it. */
const RIGHTS: Record<Command, Right> = {
  cut: "channel:cut",
  restore: "channel:restore",
  live: "channel:live",
  start: "channel:start",
  stop: "channel:stop",
  dump: "channel:dump",
  backup: "channel:backup",
  condemn: "channel:dump",
  redact: "channel:dump",
  move: "channel:dump",
  lift: "channel:restore",
  uncut: "channel:restore",
};

/** Whether a person has the key at all: one who has not does not see it. */
export function hasKey(rights: ConsoleState["rights"], channel: string, cmd: Command): boolean {
  return may(rights, RIGHTS[cmd], channel);
}

/** Why `cmd` is not even sent, or null. Rights that were not told yet hold nothing back: the console judges. */
export function whyRefused(state: Known, name: string, cmd: Command): LocalReason | null {
  if (state.link !== "up") return "link_lost";
  if (!state.gateUp) return "gate_down";
  if (state.rights !== null && !hasKey(state.rights, name, cmd)) {
    return state.rights.state === "idle" ? "idle" : "no_right";
  }
  const channel = state.channels.find((candidate) => candidate.name === name);
  const asked = cmd === "restore" ? askedBy(channel, state.user) : null; // the key that confirms, whatever waits
  if (asked === "me") return "waits_second";
  if (asked === "other") return null;
  return whyNot(channel, cmd);
}

/** Who asked for what (a restore, a lift, an undo) waits for a second person; null: nobody. */
export function askedBy(channel: ChannelStatus | undefined, user: string): "me" | "other" | null {
  const waiting = channel?.waiting_restore;
  if (!waiting) return null;
  return fold(person(waiting.actor)) === fold(user) ? "me" : "other";
}

/** What confirms a request that waits: the same as the first person sent, as far as the console takes it. */
export function confirmation({ what, reason, span, from_at, to_at }: WaitingRestore): Partial<CommandRequest> {
  if (what === "move") return { reason, span, from_at, to_at };
  return what === "lift" ? { reason, span } : { reason }; // an undo takes no span: the gate finds the cut
}

function fold(name: string): string {
  return name.normalize("NFKC").toLowerCase().normalize("NFKC");
}
