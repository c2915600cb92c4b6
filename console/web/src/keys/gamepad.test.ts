import { expect, test } from "vitest";
import { Presses } from "./gamepad";

const pad = (index: number, ...down: number[]) => ({
  index,
  buttons: Array.from({ length: 4 }, (_, button) => ({ pressed: down.includes(button) })),
});

test("a button that goes down is one press, however long it is held", () => {
  const presses = new Presses();
  expect(presses.look([pad(0)], 0)).toEqual([]);
  expect(presses.look([pad(0, 2)], 20)).toEqual([2]);
  expect(presses.look([pad(0, 2)], 40)).toEqual([]);
  expect(presses.look([pad(0)], 60)).toEqual([]);
  expect(presses.look([pad(0, 2)], 80)).toEqual([2]);
});

test("two devices are told apart while held, and name their buttons alike", () => {
  const presses = new Presses();
  presses.look([pad(0), null, pad(2)], 0);
  expect(presses.look([pad(0, 1), null, pad(2)], 20)).toEqual([1]);
  expect(presses.look([pad(0, 1), null, pad(2, 1)], 40)).toEqual([1]);
});

test("the press that shows a device to the page counts when it is released", () => {
  const presses = new Presses();
  expect(presses.look([pad(0, 3)], 0)).toEqual([]);
  expect(presses.look([pad(0, 3)], 120)).toEqual([]);
  expect(presses.look([pad(0)], 140)).toEqual([3]);
  expect(presses.look([pad(0)], 160)).toEqual([]);
  expect(presses.look([pad(0, 3)], 180)).toEqual([3]);
});

test("a button that rests pressed is no press, neither at first nor when it moves later; one pressed then is", () => {
  const presses = new Presses();
  presses.look([pad(0, 1)], 0);
  expect(presses.look([pad(0, 1)], 1_600)).toEqual([]);
  expect(presses.look([pad(0)], 2_000)).toEqual([]);
  expect(presses.look([pad(0, 1)], 2_020)).toEqual([1]);
});

test("a device that is plugged in later, or again, is seen first then", () => {
  const presses = new Presses();
  presses.look([pad(0)], 0);
  expect(presses.look([pad(0), pad(1, 2)], 20)).toEqual([]);
  expect(presses.look([pad(0), pad(1)], 40)).toEqual([2]);
  expect(presses.look([pad(0), null], 60)).toEqual([]);
  expect(presses.look([pad(0), pad(1, 2)], 80)).toEqual([]);
});
