/**
 * Reads the published feed for as long as the page is open.
 *
 * Server-sent events over `fetch` and not over EventSource: that one gives up for good at the first answer that is an
 * error (a server that starts, a full one), forgets its `Last-Event-ID` then, and cannot hear that a dead connection
 * is silent. Here every connection names the last event that was taken in, so nothing is lost or told twice.
 */
import { createParser } from "eventsource-parser";
import { retryAfter, retryDelay } from "./retry";
import { type FeedEvent, readEvent } from "./wire";

/** No byte for this long: the connection may be dead. A new one costs little and loses nothing. */
const SILENCE_MS = 60_000;

export class FeedClient {
  readonly #path: string;
  readonly #apply: (events: readonly FeedEvent[]) => void;
  readonly #stop = new AbortController();
  #attempt: AbortController | null = null;
  #lastId = "";
  #heardAt: number | null = null;
  #failures = 0;
  #askedS: number | null = null;
  #retryTimer: number | undefined;
  #silenceTimer: number | undefined;

  constructor(path: string, apply: (events: readonly FeedEvent[]) => void) {
    this.#path = path;
    this.#apply = apply;
    const { signal } = this.#stop;
    window.addEventListener("online", () => this.#hurry(), { signal });
    document.addEventListener("visibilitychange", () => this.#hurry(), { signal });
    void this.#connect();
  }

  close(): void {
    this.#stop.abort();
    this.#attempt?.abort();
    window.clearTimeout(this.#retryTimer);
    window.clearTimeout(this.#silenceTimer);
  }

  async #connect(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#askedS = null;
    this.#expectWord(attempt);
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (this.#lastId !== "") headers["last-event-id"] = this.#lastId;
      const answer = await fetch(this.#path, { headers, cache: "no-store", signal: attempt.signal });
      if (answer.ok && answer.body !== null) await this.#read(answer.body, attempt);
      else this.#askedS = retryAfter(answer.headers.get("retry-after"));
    } catch {
      // the network, or a connection that was given up: both are tried again
    }
    attempt.abort();
    if (!this.#stop.signal.aborted) this.#later();
  }

  async #read(body: ReadableStream<Uint8Array>, attempt: AbortController): Promise<void> {
    let events: FeedEvent[] = [{ type: "open", goneMs: this.#heardAt === null ? null : Date.now() - this.#heardAt }];
    const words = new TextDecoder();
    const parser = createParser({
      onId: (id) => {
        this.#lastId = id; // also of a block without data: nothing is published yet
      },
      onEvent: ({ id, event, data }) => {
        const read = readEvent(event, data, id);
        if (read !== null) events.push(read);
      },
    });
    const tell = (): void => {
      const told = events;
      events = [];
      if (told.length > 0) this.#apply(told);
    };
    tell();
    const hear = (bytes: Uint8Array): void => {
      this.#failures = 0;
      this.#heardAt = Date.now();
      this.#expectWord(attempt);
      parser.feed(words.decode(bytes, { stream: true }));
      tell();
    };
    await body.pipeTo(new WritableStream({ write: hear }), { signal: attempt.signal });
  }

  #expectWord(attempt: AbortController): void {
    window.clearTimeout(this.#silenceTimer);
    this.#silenceTimer = window.setTimeout(() => attempt.abort(), SILENCE_MS);
  }

  #later(): void {
    window.clearTimeout(this.#silenceTimer);
    this.#failures += 1;
    if (this.#failures > 1) this.#apply([{ type: "lost" }]); // one that ended is back in a second
    const delay = retryDelay(this.#failures, Math.random(), this.#askedS);
    this.#retryTimer = window.setTimeout(() => this.#again(), delay);
  }

  /** The network is back, or somebody looks at the page again: no reason to wait any longer. */
  #hurry(): void {
    if (this.#retryTimer !== undefined && this.#askedS === null && !document.hidden) this.#again();
  }

  #again(): void {
    window.clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    void this.#connect();
  }
}
