/**
 * Plays one feed of the console (`/api/v1/preview/...`: fMP4 over a websocket) in a video element through Media Source
 * Extensions, and keeps at it: a lost socket is opened again, a broken media source is replaced.
 */
import { socketAddress } from "../api/client";
import type { Feed, PreviewInit, PreviewMessage } from "../api/types";
import { LagController, type Span } from "./lag";

/** connecting: no word yet; waiting: the console has no feed; playing; stalled: data stopped; offline: no console. */
export type PlayerState = "connecting" | "waiting" | "playing" | "stalled" | "offline" | "unsupported";

export interface PlayerReport {
  state: PlayerState;
  lag: number | null;
  target: number;
}

type Work =
  | { kind: "init"; mime: string; data: ArrayBuffer; anew: boolean }
  | { kind: "media"; data: ArrayBuffer };

const KEEP_S = 20; // played data kept in the buffer
const TRIM_EVERY_S = 10;
const QUEUE_BYTES = 12_000_000; // a tab that sleeps must not eat memory: beyond this it starts anew
const STALLED_MS = 2_000;
/** Of a picture at each keyframe: some encoders send one in 8 s. */
const STILLS_STALLED_MS = 20_000;
/** From the end of the buffer to a moment within its last picture (the console gives each a second). */
const INTO_STILL_S = 0.5;
const STEER_MS = 100;
const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 2_000;

export class MsePlayer {
  readonly #video: HTMLVideoElement;
  readonly #path: string;
  readonly #report: (report: PlayerReport) => void;
  readonly #stills: boolean;
  readonly #stop = new AbortController();
  #lag = new LagController();
  #socket: WebSocket | null = null;
  #retryMs = RETRY_FIRST_MS;
  #retryTimer: number | undefined;
  readonly #steerTimer: number;
  #source: MediaSource | null = null;
  #buffer: SourceBuffer | null = null;
  #objectUrl = "";
  #mime = "";
  #pendingInit: PreviewInit | null = null;
  #anew = true;
  #lastInit: { mime: string; data: ArrayBuffer } | null = null;
  #queue: Work[] = [];
  #queuedBytes = 0;
  #lastDataAt = 0;
  /** When the picture last moved; null before the first one. */
  #movedAt: number | null = null;
  #time = 0;
  #waiting = false;
  #unsupported = !("MediaSource" in window);

  /** `stills`: the keyframes alone, each shown as it comes, without sound. */
  constructor(
    video: HTMLVideoElement,
    channel: string,
    feed: Feed,
    report: (report: PlayerReport) => void,
    stills = false,
  ) {
    this.#video = video;
    this.#stills = stills;
    this.#path = `/api/v1/preview/${encodeURIComponent(channel)}/${feed}${stills ? "?stills=true" : ""}`;
    this.#report = report;
    const signal = this.#stop.signal;
    video.addEventListener("playing", () => this.#lag.playing(performance.now()), { signal });
    video.addEventListener("waiting", () => this.#lag.waiting(performance.now()), { signal });
    video.addEventListener("error", () => this.#rebuild(), { signal });
    this.#steerTimer = window.setInterval(() => this.#steer(), STEER_MS);
    if (!this.#unsupported) this.#connect();
  }

  close(): void {
    this.#stop.abort();
    window.clearInterval(this.#steerTimer);
    window.clearTimeout(this.#retryTimer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#detach();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #connect(): void {
    const socket = new WebSocket(socketAddress(this.#path));
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#anew = true;
    socket.addEventListener("message", (event: MessageEvent<string | ArrayBuffer>) => {
      if (socket !== this.#socket) return;
      this.#retryMs = RETRY_FIRST_MS;
      if (typeof event.data === "string") this.#onText(JSON.parse(event.data) as PreviewMessage);
      else this.#onData(event.data);
    });
    socket.addEventListener("close", () => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#retryTimer = window.setTimeout(() => this.#connect(), this.#retryMs);
      this.#retryMs = Math.min(RETRY_MOST_MS, this.#retryMs * 2);
    });
  }

  #onText(text: PreviewMessage): void {
    if (text.t === "wait") {
      this.#waiting = true;
      return;
    }
    this.#waiting = false;
    this.#pendingInit = text;
    if (!this.#anew) return;
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #onData(data: ArrayBuffer): void {
    this.#lastDataAt = performance.now();
    this.#waiting = false;
    const init = this.#pendingInit;
    if (init !== null) {
      this.#pendingInit = null;
      this.#lastInit = { mime: init.mime, data };
      this.#unsupported = !MediaSource.isTypeSupported(init.mime);
      if (this.#unsupported) return;
      if (this.#source === null) this.#attach();
      this.#queue.push({ kind: "init", mime: init.mime, data, anew: this.#anew });
      this.#anew = false;
    } else if (this.#lastInit !== null && this.#source !== null) {
      this.#queue.push({ kind: "media", data });
      this.#queuedBytes += data.byteLength;
      if (this.#queuedBytes > QUEUE_BYTES) {
        this.#restart();
        return;
      }
    }
    this.#pump();
  }

  #attach(): void {
    const source = new MediaSource();
    this.#source = source;
    this.#buffer = null;
    this.#mime = "";
    this.#movedAt = null;
    this.#lag = new LagController();
    this.#objectUrl = URL.createObjectURL(source);
    source.addEventListener("sourceopen", () => this.#pump(), { once: true, signal: this.#stop.signal });
    this.#video.src = this.#objectUrl;
  }

  #detach(): void {
    if (this.#objectUrl !== "") URL.revokeObjectURL(this.#objectUrl);
    this.#objectUrl = "";
    this.#source = null;
    this.#buffer = null;
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  /** A broken media source: a new one on a new connection, which brings the current GOP at once. */
  #rebuild(): void {
    if (this.#source !== null) this.#restart();
  }

  #restart(): void {
    this.#detach();
    this.#lastInit = null;
    this.#socket?.close();
  }

  /** Appends what waits: one init, or all fragments up to the next init joined into one. */
  #pump(): void {
    const source = this.#source;
    if (source === null || source.readyState === "closed" || this.#buffer?.updating === true) return;
    const next = this.#queue[0];
    if (next === undefined) {
      this.#trim();
      if (this.#stills) this.#finish(source);
      return;
    }
    try {
      if (next.kind === "init") this.#appendInit(source, next.mime, next.data, next.anew);
      else this.#appendMedia();
    } catch {
      this.#restart(); // also when the buffer is full: the browser has removed by itself what was played
    }
  }

  /**
   * Says that nothing follows, until something does (appending opens the source again): a player that waits for the
   * next pictures before it shows one would never show this one.
   */
  #finish(source: MediaSource): void {
    if (source.readyState === "open" && this.#buffer?.updating === false && this.#buffer.buffered.length > 0) source.endOfStream();
  }

  #appendInit(source: MediaSource, mime: string, data: ArrayBuffer, anew: boolean): void {
    if (this.#buffer === null) {
      this.#buffer = source.addSourceBuffer(mime);
      this.#buffer.mode = "segments";
      this.#buffer.addEventListener("updateend", () => this.#pump(), { signal: this.#stop.signal });
      this.#mime = mime;
    } else if (anew && this.#buffer.buffered.length > 0) {
      // A new feed may count its time from anywhere: what is buffered would only mislead. The last picture stays.
      this.#buffer.remove(0, Number.POSITIVE_INFINITY);
      return; // goes on at `updateend`, with an empty buffer
    } else if (this.#mime !== mime) {
      this.#buffer.changeType(mime);
      this.#mime = mime;
    }
    if (anew) this.#lag.anew();
    this.#queue.shift();
    this.#buffer.appendBuffer(data);
  }

  #appendMedia(): void {
    const firstInit = this.#queue.findIndex((work) => work.kind === "init");
    const batch = this.#queue.splice(0, firstInit < 0 ? this.#queue.length : firstInit);
    const size = batch.reduce((sum, work) => sum + work.data.byteLength, 0);
    const joined = new Uint8Array(size);
    let at = 0;
    for (const work of batch) {
      joined.set(new Uint8Array(work.data), at);
      at += work.data.byteLength;
    }
    this.#queuedBytes -= size;
    this.#buffer?.appendBuffer(joined);
  }

  #trim(): void {
    const buffer = this.#buffer;
    if (buffer === null || buffer.updating || buffer.buffered.length === 0) return;
    const oldest = buffer.buffered.start(0);
    const until = this.#video.currentTime - KEEP_S;
    if (until - oldest > TRIM_EVERY_S) buffer.remove(oldest, until);
  }

  #steer(): void {
    const video = this.#video;
    let lag: number | null = null;
    if (this.#stills) this.#showNewest();
    else if (this.#buffer !== null && this.#pendingInit === null) {
      const buffered = ranges(this.#buffer);
      const steering = this.#lag.steer({ currentTime: video.currentTime, buffered });
      ({ lag } = steering);
      if (steering.seekTo !== null) video.currentTime = steering.seekTo;
      if (video.playbackRate !== steering.rate) video.playbackRate = steering.rate;
      if (video.paused && buffered.length > 0) void video.play().catch(() => undefined);
    }
    this.#report({ state: this.#state(performance.now()), lag, target: this.#lag.target });
  }

  #showNewest(): void {
    const newest = this.#buffer === null ? undefined : ranges(this.#buffer).at(-1);
    if (newest === undefined) return;
    const moment = Math.max(newest.start, newest.end - INTO_STILL_S);
    if (Math.abs(this.#video.currentTime - moment) > 0.1) this.#video.currentTime = moment;
  }

  #state(now: number): PlayerState {
    if (this.#unsupported) return "unsupported";
    if (this.#socket === null) return "offline";
    if (this.#waiting) return "waiting";
    if (this.#lastInit === null) return "connecting";
    const { currentTime, readyState } = this.#video;
    if (readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && currentTime !== this.#time) {
      this.#time = currentTime;
      this.#movedAt = now;
    }
    const patience = this.#stills ? STILLS_STALLED_MS : STALLED_MS;
    if (now - this.#lastDataAt > patience) return "stalled";
    if (this.#movedAt === null) return "connecting";
    return now - this.#movedAt > patience ? "stalled" : "playing"; // a moment's seek is no event
  }
}

function ranges(buffer: SourceBuffer): Span[] {
  try {
    const { buffered } = buffer;
    return Array.from({ length: buffered.length }, (_, index) => ({
      start: buffered.start(index),
      end: buffered.end(index),
    }));
  } catch {
    return []; // the buffer was taken from its source between two events
  }
}
