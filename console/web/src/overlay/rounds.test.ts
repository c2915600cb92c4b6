import { expect, test } from "vitest";
import { Rounds, WAITING } from "./rounds";

const comment = (id: number) => ({ id, author: "a", text: `comment ${id}`, publishedAt: id, bullet: false });
const ids = (count: number, next: () => { id: number } | null): (number | undefined)[] =>
  Array.from({ length: count }, () => next()?.id);

test("the newest comments go round", () => {
  const rounds = new Rounds();
  const published = [1, 2, 3, 4].map(comment);
  expect(ids(7, () => rounds.next(published, 3))).toEqual([2, 3, 4, 2, 3, 4, 2]);
});

test("a new one comes next, and the round goes on after it", () => {
  const rounds = new Rounds();
  expect(ids(2, () => rounds.next([1, 2, 3].map(comment), 3))).toEqual([1, 2]);
  rounds.push(comment(4));
  expect(ids(3, () => rounds.next([2, 3, 4].map(comment), 3))).toEqual([4, 2, 3]);
});

test("what is taken back comes no more", () => {
  const rounds = new Rounds();
  rounds.push(comment(1));
  rounds.push(comment(2));
  rounds.drop(1);
  expect(ids(3, () => rounds.next([comment(2)], 3))).toEqual([2, 2, 2]);
  expect(rounds.next([], 3)).toBeNull();
});

test("a crowd waits within bounds", () => {
  const rounds = new Rounds();
  for (let id = 1; id <= WAITING + 10; id += 1) rounds.push(comment(id));
  expect(ids(WAITING + 1, () => rounds.next([], 3))).toEqual([...Array.from({ length: WAITING }, (_, index) => index + 11), undefined]);
});
