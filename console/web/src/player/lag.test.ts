import { describe, expect, test } from "vitest";
import { LagController, type PlayerView } from "./lag";

const at = (currentTime: number, ...ranges: [number, number][]): PlayerView => ({
  currentTime,
  buffered: ranges.map(([start, end]) => ({ start, end })),
});

describe("where to play", () => {
  test("nothing buffered: nothing to do", () => {
    expect(new LagController().steer(at(0))).toEqual({ seekTo: null, rate: 1, lag: null });
  });

  test("starts a target behind the newest data, wherever the feed's time begins", () => {
    const { seekTo, rate } = new LagController().steer(at(0, [5000, 5002]));
    expect(seekTo).toBeCloseTo(5001.8);
    expect(rate).toBe(1);
  });

  test("never seeks before the newest range", () => {
    expect(new LagController().steer(at(0, [5000, 5000.1])).seekTo).toBe(5000);
  });

  test("jumps over a hole", () => {
    expect(new LagController().steer(at(11.9, [10, 12], [14, 14.5])).seekTo).toBeCloseTo(14.3);
  });

  test("goes back when the feed begins its time anew", () => {
    expect(new LagController().steer(at(100, [0, 1])).seekTo).toBeCloseTo(0.8);
  });

  test("jumps when more than 1.5 s behind the target, not before", () => {
    const controller = new LagController();
    expect(controller.steer(at(10, [0, 11.69])).seekTo).toBeNull();
    expect(controller.steer(at(10, [0, 11.71])).seekTo).toBeCloseTo(11.51);
  });

  test("a starved player whose sound ran on past the last picture waits", () => {
    expect(new LagController().steer(at(13, [0, 10]))).toEqual({ seekTo: null, rate: 1, lag: 0 });
  });

  test("a feed that was replaced is joined wherever it begins, once", () => {
    const controller = new LagController();
    controller.steer(at(11, [0, 12]));
    controller.anew();
    expect(controller.steer(at(11)).seekTo).toBeNull();
    expect(controller.steer(at(11, [8, 10])).seekTo).toBeCloseTo(9.8);
    expect(controller.steer(at(11, [8, 10])).seekTo).toBeNull();
  });
});

describe("how fast to play", () => {
  test("on target: as recorded", () => {
    expect(new LagController().steer(at(10, [0, 10.2])).rate).toBe(1);
  });

  test("a little behind: a little faster, until the target is reached", () => {
    const controller = new LagController();
    expect(controller.steer(at(10, [0, 10.35])).rate).toBe(1.08);
    expect(controller.steer(at(10, [0, 10.25])).rate).toBe(1.08);
    expect(controller.steer(at(10, [0, 10.19])).rate).toBe(1);
    expect(controller.steer(at(10, [0, 10.25])).rate).toBe(1);
  });

  test("far behind: faster, and no slower again before the target", () => {
    const controller = new LagController();
    expect(controller.steer(at(10, [0, 10.9])).rate).toBe(1.2);
    expect(controller.steer(at(10, [0, 10.4])).rate).toBe(1.2);
    expect(controller.steer(at(10, [0, 10.2])).rate).toBe(1);
  });
});

describe("how much reserve", () => {
  test("a stall in steady play asks for a tenth more, six tenths at most", () => {
    const controller = new LagController();
    const targets = [1, 2, 3, 4, 5].map((turn) => {
      controller.playing(turn * 10_000);
      controller.waiting(turn * 10_000 + 1_500);
      return controller.target;
    });
    expect(targets).toEqual([0.3, 0.4, 0.5, 0.6, 0.6]);
  });

  test("a stall right after the start does not", () => {
    const controller = new LagController();
    controller.playing(0);
    controller.waiting(1_499);
    expect(controller.target).toBe(0.2);
  });

  test("a stall that a seek brought about does not", () => {
    const controller = new LagController();
    controller.playing(0);
    controller.steer(at(0, [50, 60]));
    controller.waiting(5_000);
    expect(controller.target).toBe(0.2);
  });
});
