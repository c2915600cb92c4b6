import { describe, expect, test } from "vitest";
import { channel, doneReply, failedReply, hello, logLine, stateMessage } from "./fixtures";
import { type ConsoleState, type Event, initialState, LOG_LINES, outage, reduce, REPLY_MS, SILENCE_MS, whyNot } from "./reducer";
import type { Command, ServerMessage } from "./types";

const message = (now: number, said: ServerMessage): Event => ({ type: "message", message: said, now });
const after = (...events: Event[]): ConsoleState => events.reduce(reduce, initialState(0, 1_000_000));

describe("the link", () => {
  test("is up with the first hello", () => {
    const state = after(message(10, hello()));
    expect(state.link).toBe("up");
    expect(outage(state, 10)).toBeNull();
  });

  test("is said to be missing when it does not come up", () => {
    expect(outage(after(), 1_000)).toBeNull();
    expect(outage(after(), 1_600)).toEqual({ what: "link", sinceMs: 1_600 });
  });

  test("silence loses it within 3 s, counted from the last word", () => {
    const quiet = [message(0, hello()), message(5_000, { t: "ping", server_time: 1 })];
    expect(outage(after(...quiet, { type: "tick", now: 5_000 + SILENCE_MS - 1 }), 5_000 + SILENCE_MS)).toBeNull();
    const lost = after(...quiet, { type: "tick", now: 5_000 + SILENCE_MS });
    expect(outage(lost, 8_000)).toEqual({ what: "link", sinceMs: 3_000 });
    expect(SILENCE_MS).toBeLessThan(2_500);
  });

  test("a closed socket loses it at once; further tries do not start the count anew", () => {
    const lost = after(
      message(0, hello()),
      { type: "closed", now: 100, sessionNeeded: false },
      { type: "closed", now: 900, sessionNeeded: false },
    );
    expect(outage(lost, 1_100)).toEqual({ what: "link", sinceMs: 1_000 });
    expect(outage(reduce(lost, message(1_200, hello())), 1_200)).toBeNull();
  });

  test("no session: the page must ask for one", () => {
    const refused = after({ type: "closed", now: 5, sessionNeeded: true });
    expect(refused.session).toBe("needed");
    expect(reduce(refused, { type: "signed_in", now: 9 }).session).toBe("assumed");
  });
});

describe("the gate", () => {
  test("is missing from its word on until the next state", () => {
    const down = after(message(0, hello()), message(50, { t: "gate", up: false }));
    expect(outage(down, 1_050)).toEqual({ what: "gate", sinceMs: 1_000 });
    expect(down.channels).toHaveLength(1);
    expect(outage(reduce(down, message(2_000, stateMessage())), 2_000)).toBeNull();
  });

  test("may be missing from the start", () => {
    const down = after(message(7, hello({ gate: { up: false, ingest_up: false, warnings: [], comments_up: true }, channels: [] })));
    expect(outage(down, 10)).toEqual({ what: "gate", sinceMs: 3 });
  });
});

describe("what the server says", () => {
  test("state replaces the channels", () => {
    const state = after(message(0, hello()), message(9, stateMessage({ channels: [channel({ state: "cut" })] })));
    expect(state.channels.map((one) => one.state)).toEqual(["cut"]);
    expect(state.receivedAt).toBe(9);
  });

  test("who watches which channel is what was told last", () => {
    const ann = { user: "ann", idle: false };
    const both = after(message(0, hello({ present: { main: [ann] } })), message(9, stateMessage({ present: { main: [ann, { user: "ben", idle: true }] } })));
    expect(both.present.main?.map((one) => one.user)).toEqual(["ann", "ben"]);
  });

  test("log lines of a state are appended, those of a hello replace", () => {
    const first = after(message(0, hello({ log: [logLine(1)] })), message(1, stateMessage({ log: [logLine(2), logLine(3)] })));
    expect(first.log.map((line) => line.seq)).toEqual([1, 2, 3]);
    expect(reduce(first, message(2, hello({ log: [logLine(9)] }))).log.map((line) => line.seq)).toEqual([9]);
  });

  test("the log is bounded", () => {
    const many = Array.from({ length: LOG_LINES + 20 }, (_, seq) => logLine(seq));
    const { log } = after(message(0, hello({ log: many })), message(1, stateMessage({ log: [logLine(9_999)] })));
    expect(log).toHaveLength(LOG_LINES);
    expect(log.at(-1)?.seq).toBe(9_999);
  });

  test("the server's clock is followed without shivering", () => {
    const state = after(message(0, hello({ server_time: 50 })), message(1_000, stateMessage({ server_time: 51.04 })));
    expect(state.clockOffsetMs).toBe(50_000);
    expect(reduce(state, message(2_000, stateMessage({ server_time: 60 }))).clockOffsetMs).toBe(58_000);
  });
});

describe("commands", () => {
  const sent: Event = { type: "sent", id: 3, channel: "main", cmd: "cut", now: 100 };

  test("are pending until the reply with their number", () => {
    const pending = after(message(0, hello()), sent);
    expect(Object.keys(pending.pending)).toEqual(["3"]);
    const other = reduce(pending, message(101, doneReply(4)));
    expect(other.pending).toEqual(pending.pending);
    const done = reduce(other, message(102, doneReply(3)));
    expect(done.pending).toEqual({});
    expect(done.notice).toEqual({ seq: 1, at: 102, channel: "main", cmd: "cut", outcome: { ok: true, tookMs: 0.4, waits: false } });
  });

  test("may wait for a second person, which is no end of it", () => {
    const restored: Event = { type: "sent", id: 3, channel: "main", cmd: "restore", now: 100 };
    const asked = after(message(0, hello()), restored, message(102, { ...doneReply(3), waiting: "second_person" } as ServerMessage));
    expect(asked.notice?.outcome).toEqual({ ok: true, tookMs: 0.4, waits: true });
  });

  test("a refusal keeps the gate's words", () => {
    const refused = after(
      message(0, hello()),
      sent,
      message(101, failedReply(3)),
    );
    expect(refused.notice?.outcome).toEqual({ ok: false, why: { from: "server", error: "no", error_zh: "不" } });
  });

  test("no reply in time is said", () => {
    const early = after(message(0, hello()), sent, message(3_000, { t: "ping", server_time: 0 }), {
      type: "tick",
      now: 100 + REPLY_MS - 1,
    });
    expect(early.notice).toBeNull();
    const late = reduce(early, { type: "tick", now: 100 + REPLY_MS });
    expect(late.notice?.outcome).toEqual({ ok: false, why: { from: "page", reason: "no_answer" } });
    expect(late.pending).toEqual({});
  });

  test("a lost link fails what is pending", () => {
    const lost = after(message(0, hello()), sent, { type: "closed", now: 150, sessionNeeded: false });
    expect(lost.pending).toEqual({});
    expect(lost.notice?.outcome).toEqual({ ok: false, why: { from: "page", reason: "no_answer" } });
  });

  test("a refusal by the page itself is a notice too", () => {
    const event: Event = { type: "refused", channel: "main", cmd: "live", reason: "gate_down", now: 8 };
    expect(after(event).notice?.outcome).toEqual({ ok: false, why: { from: "page", reason: "gate_down" } });
  });
});

describe("what can be done now", () => {
  const open = { starts_in_s: -1, ends_in_s: null, actor: "" };
  const commands: Command[] = ["cut", "dump", "backup", "restore", "live", "start", "stop"];
  const possible = (changes: Parameters<typeof channel>[0]) =>
    commands.filter((cmd) => whyNot(channel(changes), cmd) === null);

  test.each([
    ["live", { state: "live" }, ["cut", "dump", "backup", "stop"]],
    ["filling", { state: "filling" }, ["cut", "dump", "backup", "stop"]],
    ["no input", { state: "no_input" }, ["cut", "dump", "backup", "stop"]],
    ["cut", { state: "cut", requested: "cut", spans: [open] }, ["cut", "backup", "restore", "stop"]],
    ["restored, not back yet", { state: "cut", requested: "live" }, ["cut", "dump", "backup", "stop"]],
    ["backup", { state: "backup", requested: "backup" }, ["cut", "dump", "backup", "live", "stop"]],
    ["backup over a cut", { state: "backup", requested: "backup", spans: [open] }, ["cut", "backup", "restore", "stop"]],
    ["stopped", { state: "stopped", requested: "stopped" }, ["start"]],
  ] as const)("%s", (_, changes, expected) => {
    expect(possible(changes as Parameters<typeof channel>[0])).toEqual(expected);
  });
});
