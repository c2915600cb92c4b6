import { expect, test } from "vitest";
import { Pacer, WAITING } from "./pacer";

const flight = (id: number) => ({ id, text: `comment ${id}`, own: false });

test("a comment that comes alone sets out at once", () => {
  const pacer = new Pacer(9_000, 3);
  pacer.push(flight(1));
  expect(pacer.next(50_000)?.id).toBe(1);
  expect(pacer.next(90_000)).toBeNull();
});

test("a crowd sets out one after another, so that three share a line", () => {
  const pacer = new Pacer(9_000, 3);
  for (const id of [1, 2, 3]) pacer.push(flight(id));
  expect([0, 500, 999, 1_000, 1_999, 2_000].map((now) => pacer.next(now)?.id)).toEqual([
    1,
    undefined,
    undefined,
    2,
    undefined,
    3,
  ]);
});

test("a crowd beyond bounds loses its oldest", () => {
  const pacer = new Pacer(1, 1);
  for (let id = 1; id <= WAITING * 2; id += 1) pacer.push(flight(id));
  const order = Array.from({ length: WAITING * 2 }, (_, now) => pacer.next(now)?.id);
  expect(order.slice(0, WAITING)).toEqual(Array.from({ length: WAITING }, (_, index) => WAITING + 1 + index));
  expect(order[WAITING]).toBeUndefined();
});

test("what is taken back does not set out", () => {
  const pacer = new Pacer(9_000, 3);
  for (const id of [1, 2]) pacer.push(flight(id));
  pacer.drop(1);
  expect(pacer.next(0)?.id).toBe(2);
  pacer.push(flight(3));
  pacer.clear();
  expect(pacer.next(99_000)).toBeNull();
});
