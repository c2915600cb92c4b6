/** One picture of the archive: plays a recording in a video element, by the moments of the wall clock. */
import type Hls from "hls.js/light";
import type { Problem } from "../api/types";
import { FrameStepper } from "../player/frames";
import { mediaAt, type Segment, readSegments, wallAt, windowOf } from "./media";

/** idle: nothing was asked for; none: nothing is recorded then; absent: this server does not have the picture. */
export type ReelState = "idle" | "loading" | "ready" | "none" | "absent" | "failed";

export interface ReelView {
  state: ReelState;
  problem: Problem | null;
}

/** How a seek is looked after: how often, and which hole is one. */
const SETTLE_MS = 200;
const SETTLE_LOOKS = 25;
const HOLE_S = 0.5;
const INSIDE_S = 0.01;
/** A recording that goes on is loaded again when its end is asked for, not more often than this. */
const AGAIN_MS = 4_000;

export class Reel {
  readonly video: HTMLVideoElement;
  readonly #address: (start: number, end: number) => string;
  readonly #report: (view: ReelView) => void;
  readonly #frames: FrameStepper;
  #hls: Hls | null = null;
  #window = 0;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #segments: Segment[] = [];
  #asked: AbortController | null = null;
  #closed = false;
  #settling: number | undefined;
  view: ReelView = { state: "idle", problem: null };

  constructor(video: HTMLVideoElement, address: (start: number, end: number) => string, report: (view: ReelView) => void) {
    this.video = video;
    this.#address = address;
    this.#report = report;
    this.#frames = new FrameStepper(video);
  }

  close(): void {
    this.#closed = true;
    this.#frames.close();
    window.clearTimeout(this.#settling);
    this.#drop();
  }

  /** The moment that is shown; null: nothing is. */
  get at(): number | null {
    return this.view.state === "ready" ? wallAt(this.#segments, this.video.currentTime) : null;
  }

  /** Where what is loaded ends. */
  get end(): number | null {
    const last = this.#segments.at(-1);
    return last === undefined ? null : last.at + last.length;
  }

  /** Shows a moment; one that is not recorded: what was recorded next within the hour. */
  async show(at: number): Promise<void> {
    if (this.view.state === "absent") return; // it was said once
    const { start, end } = windowOf(at);
    const known = this.#window === start && this.view.state === "ready";
    const stale = at > (this.end ?? 0) - 0.5 && performance.now() - this.#loadedAt > AGAIN_MS && end > Date.now() / 1_000;
    if (!known || stale) await this.#load(start, end, at);
    else if (this.view.state === "ready") {
      this.video.currentTime = mediaAt(this.#segments, at);
      this.#settle(SETTLE_LOOKS);
    }
  }

  /** A seek into a hole between two recordings never ends by itself: what lies behind it is shown. */
  #settle(looks: number): void {
    window.clearTimeout(this.#settling);
    this.#settling = window.setTimeout(() => {
      const { video } = this;
      if (!video.seeking || this.#closed || looks === 0) return;
      for (let range = 0; range < video.buffered.length; range += 1) {
        const ahead = video.buffered.start(range) - video.currentTime;
        if (ahead > 0 && ahead < HOLE_S) video.currentTime = video.buffered.start(range) + INSIDE_S;
      }
      this.#settle(looks - 1);
    }, SETTLE_MS);
  }

  play(): void {
    if (this.view.state === "ready") this.video.play().catch(() => undefined); // replaced by a later one
  }

  /** Goes one frame on or back. */
  async step(direction: 1 | -1): Promise<void> {
    if (this.view.state === "ready") await this.#frames.step(direction);
  }

  async #load(start: number, end: number, at: number): Promise<void> {
    this.#asked?.abort();
    const asked = new AbortController();
    this.#asked = asked;
    this.#window = start;
    this.#show("loading");
    const address = this.#address(start, end);
    const found = await fetchPlaylist(address, asked.signal);
    if (asked.signal.aborted || this.#closed) return;
    if (typeof found !== "string") {
      this.#drop();
      this.#show(found.state, found.problem);
      return;
    }
    const { default: Player } = await import("hls.js/light");
    if (asked.signal.aborted || this.#closed) return;
    this.#drop();
    this.#segments = readSegments(found);
    this.#loadedAt = performance.now();
    this.#begin(Player, address, mediaAt(this.#segments, at));
    this.#show("ready");
  }

  #begin(Player: typeof Hls, address: string, startPosition: number): void {
    // No worker: the content security policy allows none from blob:.
    const hls = new Player({
      enableWorker: false,
      startPosition,
      maxBufferLength: 20,
      backBufferLength: 60,
      // Gaps are told by the timeline; cues would need a track from data:, which the policy does not allow either.
      enableDateRangeMetadataCues: false,
      enableID3MetadataCues: false,
      enableEmsgMetadataCues: false,
    });
    this.#hls = hls;
    let recovered = false;
    hls.on(Player.Events.ERROR, (_, { fatal, type }) => {
      if (!fatal || this.#hls !== hls) return;
      if (type === Player.ErrorTypes.MEDIA_ERROR && !recovered) {
        recovered = true;
        hls.recoverMediaError();
        return;
      }
      window.setTimeout(() => {
        if (this.#hls !== hls) return; // never end it from within its own event
        this.#drop();
        this.#show("failed");
      });
    });
    hls.loadSource(address);
    hls.attachMedia(this.video);
  }

  #drop(): void {
    this.#hls?.destroy();
    this.#hls = null;
    this.#segments = [];
    this.#frames.anew();
  }

  #show(state: ReelState, problem: Problem | null = null): void {
    this.view = { state, problem };
    this.#report(this.view);
  }
}

type Refused = { state: ReelState; problem: Problem | null };

async function fetchPlaylist(address: string, signal: AbortSignal): Promise<string | Refused> {
  try {
    const answer = await fetch(address, { cache: "no-store", signal });
    if (answer.ok) return await answer.text();
    const problem = (await answer.json()) as Problem;
    if (answer.status === 404) return { state: "none", problem };
    return { state: answer.status === 400 || answer.status === 501 ? "absent" : "failed", problem };
  } catch {
    return { state: "failed", problem: null };
  }
}
