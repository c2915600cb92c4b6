import { describe, expect, test } from "vitest";
import { acts, type Hold, HOLD_MS, type HoldEvent, SHORT_SHOWN_MS, step } from "./hold";

/** How often it acted, and the state at the end. */
function play(...events: [HoldEvent["kind"], number][]): { times: number; at: Hold["at"] } {
  let hold: Hold = { at: "rest" };
  let times = 0;
  for (const [kind, now] of events) {
    const next = step(hold, { kind, now });
    if (acts(hold, next)) times += 1;
    hold = next;
  }
  return { times, at: hold.at };
}

describe("a key that is held", () => {
  test("acts when the time is up, while the finger is still there", () => {
    expect(play(["down", 0], ["tick", HOLD_MS - 1])).toEqual({ times: 0, at: "held" });
    expect(play(["down", 0], ["tick", HOLD_MS])).toEqual({ times: 1, at: "done" });
  });

  test("acts once, however long it is held", () => {
    expect(play(["down", 0], ["tick", 700], ["tick", 900], ["down", 950], ["tick", 5_000], ["up", 6_000])).toEqual({ times: 1, at: "rest" });
  });

  test("acts though the browser was too busy to count: the finger left late", () => {
    expect(play(["down", 0], ["up", 750])).toEqual({ times: 1, at: "done" });
    expect(play(["down", 0], ["up", 750], ["up", 760], ["down", 800], ["tick", 1_500])).toEqual({ times: 2, at: "done" });
  });

  test("a touch in passing does nothing, and says so for a while", () => {
    expect(play(["down", 0], ["up", 300], ["tick", 301])).toEqual({ times: 0, at: "short" });
    expect(play(["down", 0], ["up", 300], ["tick", 300 + SHORT_SHOWN_MS])).toEqual({ times: 0, at: "rest" });
  });

  test("a finger that slides off, or a call that comes in, does nothing", () => {
    expect(play(["down", 0], ["cancel", 650], ["tick", 800])).toEqual({ times: 0, at: "short" });
  });

  test("after a short touch it counts anew", () => {
    expect(play(["down", 0], ["up", 300], ["down", 400], ["tick", 900])).toEqual({ times: 0, at: "held" });
    expect(play(["down", 0], ["up", 300], ["down", 400], ["tick", 1_100])).toEqual({ times: 1, at: "done" });
  });
});
