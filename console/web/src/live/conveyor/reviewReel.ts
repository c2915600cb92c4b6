/**
 * The picture of the review player: what came in and has not aired, from the recording as it grows.
 *
 * Its video element is its own: PVW and PGM play on.
 */
import type { Fragment } from "hls.js";
import type Hls from "hls.js/light";
import { FrameStepper } from "../../player/frames";

/** away: nothing of it can be had; ahead: it is being recorded at this moment, and shown once it is there. */
export type ReviewState = "loading" | "ready" | "ahead" | "away";

/** So much before the oldest moment that can be shown is loaded, too. */
const BEFORE_S = 4;
const INSIDE_S = 0.02;
/** A video that is no further from where it was sent to is there. */
const NEAR_S = 1;
const LOOK_MS = 100;
/** The list of what is recorded is asked for again so often while its end is wanted. */
const AGAIN_MS = 700;

/** Loads the player's code ahead of the first click. */
export async function preloadPlayer(): Promise<void> {
  await import("hls.js/light").catch(() => undefined); // it is tried again when it is needed
}

export class ReviewReel {
  readonly video: HTMLVideoElement;
  readonly #address: (from: number) => string;
  readonly #report: (state: ReviewState, at: number | null) => void;
  readonly #frames: FrameStepper;
  readonly #timer: number;
  #hls: Hls | null = null;
  /** What is recorded, in order, from where the list begins. */
  #pieces: readonly Fragment[] = [];
  /** Loading has begun, at the moment that was asked for first: begun twice, hls.js waits for ever. */
  #started = false;
  /** The place in the video that it was last sent to, until it is there: a first load takes a while. */
  #goesTo: number | null = null;
  #from = 0;
  #wanted: number | null = null;
  #askedAt = 0;
  #state: ReviewState = "loading";
  #closed = false;

  constructor(video: HTMLVideoElement, channel: string, report: (state: ReviewState, at: number | null) => void) {
    this.video = video;
    this.#report = report;
    this.#address = (from) => `/api/v1/archive/${encodeURIComponent(channel)}/playlist.m3u8?from=${from.toFixed(3)}&as=received`;
    this.#frames = new FrameStepper(video);
    this.#timer = window.setInterval(() => this.#look(), LOOK_MS);
  }

  close(): void {
    this.#closed = true;
    window.clearInterval(this.#timer);
    this.#frames.close();
    this.#hls?.destroy();
    this.#hls = null;
  }

  /** The moment of arrival that is shown; null: none is. */
  get at(): number | null {
    if (this.#state !== "ready") return null;
    const time = this.video.currentTime;
    if (this.#goesTo !== null && Math.abs(time - this.#goesTo) > NEAR_S) return null;
    this.#goesTo = null;
    const piece = this.#pieces.find(({ start, duration }) => time < start + duration + INSIDE_S);
    return piece === undefined ? null : (piece.programDateTime ?? 0) / 1_000 + Math.max(0, time - piece.start);
  }

  /** Shows a moment and stays there. `oldest`: what may be asked for later. */
  async show(at: number, oldest: number): Promise<void> {
    this.#wanted = at;
    this.video.pause();
    if (this.#hls === null) await this.#load(Math.min(at, oldest) - BEFORE_S);
    this.#look();
  }

  toggle(): void {
    if (this.video.paused) void this.video.play().catch(() => undefined);
    else this.video.pause();
  }

  async step(direction: 1 | -1): Promise<void> {
    if (this.#state === "ready") await this.#frames.step(direction);
  }

  async #load(from: number): Promise<void> {
    this.#tell("loading");
    const { default: Player } = await import("hls.js/light");
    if (this.#closed || this.#hls !== null) return;
    const hls = new Player({
      enableWorker: false, // the content security policy allows none from blob:
      autoStartLoad: false,
      maxBufferLength: 8,
      backBufferLength: 90,
      enableDateRangeMetadataCues: false,
      enableID3MetadataCues: false,
      enableEmsgMetadataCues: false,
    });
    this.#hls = hls;
    hls.on(Player.Events.ERROR, (_, { fatal, type }) => {
      if (!fatal || this.#hls !== hls) return;
      if (type === Player.ErrorTypes.MEDIA_ERROR) {
        hls.recoverMediaError();
        return;
      }
      window.setTimeout(() => {
        if (this.#hls !== hls) return; // never end it from within its own event
        hls.destroy();
        this.#hls = null;
        this.#started = false; // the next moment that is asked for loads it anew
        this.#pieces = [];
        this.#tell("away");
      });
    });
    const take = (pieces: readonly Fragment[]) => {
      if (this.#hls !== hls) return;
      this.#pieces = pieces;
      this.#look();
    };
    hls.on(Player.Events.LEVEL_LOADED, (_, { details }) => {
      if (!this.#started) take(details.fragments); // later its times are joined to those before: LEVEL_UPDATED
    });
    hls.on(Player.Events.LEVEL_UPDATED, (_, { details }) => take(details.fragments));
    this.#from = from;
    hls.attachMedia(this.video);
    hls.loadSource(this.#address(from));
  }

  /** Goes to the moment that is wanted, as soon as it is recorded. */
  #look(): void {
    const wanted = this.#wanted;
    if (wanted !== null && this.#pieces.length > 0) {
      const piece = this.#pieces.find(({ programDateTime, duration }) => wanted < (programDateTime ?? 0) / 1_000 + duration);
      if (piece === undefined) this.#waitForIt();
      else {
        this.#wanted = null;
        const into = Math.max(INSIDE_S, wanted - (piece.programDateTime ?? 0) / 1_000);
        const target = piece.start + into;
        this.#goesTo = target;
        if (this.#started) this.video.currentTime = target;
        else this.#hls?.startLoad(target);
        this.#started = true;
        this.#tell("ready");
        return;
      }
    }
    this.#report(this.#state, this.at);
  }

  #waitForIt(): void {
    const now = performance.now();
    this.#tell("ahead");
    if (now - this.#askedAt < AGAIN_MS) return;
    this.#askedAt = now;
    // Asked anew: the list is not otherwise renewed for seconds.
    this.#started = false;
    this.#pieces = [];
    this.#hls?.loadSource(this.#address(this.#from));
  }

  #tell(state: ReviewState): void {
    this.#state = state;
    this.#report(state, this.at);
  }
}
