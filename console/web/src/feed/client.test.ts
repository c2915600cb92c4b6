import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FeedClient } from "./client";
import type { FeedEvent } from "./wire";

const OPEN = 'event: interaction\ndata: {"comments":true,"bullets":false,"sharing":false}\n\n';
const publish = (seq: number): string =>
  `id: ${seq}\nevent: publish\ndata: {"id":${seq},"author":"a","text":"${seq}","at_media_s":null,"published_at":1}\n\n`;

/** A server that a test answers by hand. */
class Feed {
  readonly asked: (string | null)[] = [];
  #bodies: ReadableStreamDefaultController<Uint8Array>[] = [];
  answer: () => Response = () => this.#stream();

  readonly fetch = (_: string, { headers, signal }: { headers: Record<string, string>; signal: AbortSignal }): Promise<Response> => {
    this.asked.push(headers["last-event-id"] ?? null);
    signal.addEventListener("abort", () => this.#bodies.pop());
    return Promise.resolve(this.answer());
  };

  say(text: string): void {
    this.#bodies.at(-1)?.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.#bodies.at(-1)?.close();
  }

  #stream(): Response {
    return new Response(new ReadableStream({ start: (body) => void this.#bodies.push(body) }));
  }
}

let feed: Feed;
let told: FeedEvent[];
let client: FeedClient;

const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);
const numbers = (): number[] => told.flatMap((event) => (event.type === "publish" ? [event.seq] : []));

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  feed = new Feed();
  told = [];
  const timers = {
    setTimeout: (call: () => void, after: number) => setTimeout(call, after),
    clearTimeout: (timer: NodeJS.Timeout) => clearTimeout(timer),
  };
  vi.stubGlobal("window", Object.assign(new EventTarget(), timers));
  vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: false }));
  vi.stubGlobal("fetch", feed.fetch);
  client = new FeedClient("/published", (events) => told.push(...events));
});

afterEach(() => {
  client.close();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("events arrive whole, however the network cuts them", async () => {
  await pass(0);
  for (const piece of (publish(1) + OPEN + publish(2)).match(/[\s\S]{1,7}/g) ?? []) feed.say(piece);
  await pass(0);
  expect(told.map((event) => event.type)).toEqual(["open", "publish", "interaction", "publish"]);
  expect(told[0]).toEqual({ type: "open", goneMs: null });
});

test("a connection that ends is back in a second, names the last event, and says how long it was gone", async () => {
  await pass(0);
  feed.say(publish(1) + publish(2));
  await pass(0);
  feed.end();
  await pass(999);
  expect(feed.asked).toEqual([null]);
  await pass(1);
  expect(feed.asked).toEqual([null, "2"]);
  expect(told.at(-1)).toEqual({ type: "open", goneMs: 1_000 });
  feed.say(publish(3));
  await pass(0);
  expect(numbers()).toEqual([1, 2, 3]);
  expect(told.map((event) => event.type)).not.toContain("lost");
});

test("a server that refuses is asked again, later each time, and not before it said", async () => {
  await pass(0);
  feed.answer = () => new Response("", { status: 503, headers: { "retry-after": "20" } });
  feed.end();
  await pass(1_000);
  expect(feed.asked).toHaveLength(2);
  await pass(19_999);
  expect(feed.asked).toHaveLength(2);
  await pass(10_001);
  expect(feed.asked).toHaveLength(3);
  expect(told).toContainEqual({ type: "lost" });
});

test("a silent connection is given up after a minute", async () => {
  await pass(0);
  feed.say(publish(1));
  await pass(59_999);
  expect(feed.asked).toHaveLength(1);
  await pass(1_001);
  expect(feed.asked).toEqual([null, "1"]);
});

test("a network that is back is used at once", async () => {
  await pass(0);
  feed.answer = () => {
    throw new TypeError("no network");
  };
  feed.end();
  await pass(1_000 + 2_000);
  expect(feed.asked).toHaveLength(3);
  window.dispatchEvent(new Event("online"));
  await pass(0);
  expect(feed.asked).toHaveLength(4);
});

test("a page that is left asks no more", async () => {
  await pass(0);
  client.close();
  await pass(120_000);
  expect(feed.asked).toHaveLength(1);
});
