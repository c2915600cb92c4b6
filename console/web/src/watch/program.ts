/**
 * Plays the program of a channel (HLS) in a video element, and waits for it while nothing is on air.
 *
 * hls.js plays it through Media Source Extensions, without a worker (the content security policy allows none from
 * blob:, and fMP4 needs no remuxing). Where there are none (iPhone) the element plays HLS by itself.
 */
import type Hls from "hls.js/light";
import { AirWatch, type Playlist, readPlaylist } from "./playlist";

/** looking: not known yet; off: nothing is on air; away: the server does not answer. */
export type Air = "looking" | "off" | "away" | "starting" | "on" | "stalled" | "unsupported";

export interface ProgramView {
  air: Air;
  /** The viewer paused it. */
  paused: boolean;
  /** The browser let it play without sound only: a press is needed. */
  silenced: boolean;
  /** It shows what is on air now, and not what was some time ago. */
  live: boolean;
}

const LOOK_MS = 3_000;
const LOOK_SPREAD_MS = 2_000; // a whole audience does not ask in one moment
const LOOK_PLAYING_MS = 10_000;
const STALLED_MS = 2_000;
const BEHIND_S = 12;
const RECOVER_MS = 10_000;
const NATIVE = "application/vnd.apple.mpegurl";

export class Program {
  readonly #video: HTMLVideoElement;
  readonly #address: string;
  readonly #report: (view: ProgramView) => void;
  readonly #stop = new AbortController();
  readonly #watch = new AirWatch();
  readonly #liveTimer: number;
  #lookTimer: number | undefined;
  #stalledTimer: number | undefined;
  #hls: Hls | null = null;
  #attached = false;
  /** When hls.js last read the playlist by itself. */
  #readAt = Number.NEGATIVE_INFINITY;
  #recoveredAt = Number.NEGATIVE_INFINITY;
  #view: ProgramView = { air: "looking", paused: false, silenced: false, live: true };

  constructor(video: HTMLVideoElement, address: string, report: (view: ProgramView) => void) {
    this.#video = video;
    this.#address = address;
    this.#report = report;
    const { signal } = this.#stop;
    video.addEventListener("playing", () => this.#playing(), { signal });
    video.addEventListener("waiting", () => this.#waiting(), { signal });
    video.addEventListener("ended", () => this.#leave("off"), { signal });
    video.addEventListener("error", () => this.#hls === null && this.#failed(), { signal });
    video.addEventListener("play", () => this.#show({ paused: false }), { signal });
    video.addEventListener("pause", () => this.#attached && !video.ended && this.#show({ paused: true }), { signal });
    this.#liveTimer = window.setInterval(() => this.#show({ live: this.#isLive() }), 1_000);
    void this.#look();
  }

  close(): void {
    this.#stop.abort();
    window.clearInterval(this.#liveTimer);
    window.clearTimeout(this.#lookTimer);
    this.#detach();
  }

  /** Plays on, or pauses. */
  toggle(): void {
    if (this.#view.paused) this.#play();
    else this.#video.pause();
  }

  /** Shows what is on air now. */
  goLive(): void {
    const edge = this.#edge();
    if (edge !== null) this.#video.currentTime = edge;
    this.#play();
  }

  /** When the moment aired that is shown now, in seconds since the epoch, as the playlist says; null: no telling. */
  seenAt(): number | null {
    if (!this.#attached || this.#video.currentTime <= 0) return null;
    const date = this.#hls === null ? startOf(this.#video) + this.#video.currentTime * 1_000 : (this.#hls.playingDate?.getTime() ?? Number.NaN);
    return Number.isFinite(date) && date > 0 ? date / 1_000 : null;
  }

  /** The viewer wants sound, or none. Call it from within a press. */
  setMuted(muted: boolean): void {
    this.#video.muted = muted;
    this.#show({ silenced: false });
    if (!this.#view.paused) this.#play();
  }

  /** 0 to 1. */
  setVolume(volume: number): void {
    this.#video.volume = volume;
  }

  async #look(): Promise<void> {
    const now = performance.now();
    if (!this.#attached || now - this.#readAt > LOOK_PLAYING_MS) {
      const found = await fetchPlaylist(this.#address, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#judge(found);
    }
    const spread = Math.random() * LOOK_SPREAD_MS;
    this.#lookTimer = window.setTimeout(() => void this.#look(), LOOK_MS + spread);
  }

  #judge(found: Playlist | "none" | "away"): void {
    if (found === "away") {
      if (!this.#attached) this.#show({ air: "away" });
    } else if (found !== "none" && this.#watch.isOn(found, performance.now())) {
      if (!this.#attached) void this.#attach();
    } else if (!this.#playsOut(found)) {
      this.#leave("off");
    }
  }

  /** A program that has ended is played to its end. */
  #playsOut(found: Playlist | "none"): boolean {
    return this.#attached && found !== "none" && found.ended && !this.#video.ended && this.#view.air === "on";
  }

  async #attach(): Promise<void> {
    this.#attached = true;
    this.#show({ air: "starting" });
    if ("MediaSource" in window) {
      const { default: Player } = await import("hls.js/light");
      if (this.#stop.signal.aborted) return;
      if (!Player.isSupported()) this.#show({ air: "unsupported" });
      else this.#begin(Player);
    } else if (this.#video.canPlayType(NATIVE) !== "") {
      this.#video.src = this.#address;
      this.#play();
    } else {
      this.#show({ air: "unsupported" });
    }
  }

  #begin(Player: typeof Hls): void {
    const hls = new Player({ enableWorker: false, backBufferLength: 30, maxBufferLength: 30 });
    this.#hls = hls;
    const later = (act: () => void): void => {
      window.setTimeout(() => this.#hls === hls && act()); // never end it from within its own event
    };
    hls.on(Player.Events.LEVEL_UPDATED, (_, { details }) => {
      this.#readAt = performance.now();
      later(() => this.#judge({ newest: details.endSN, ended: !details.live, targetS: details.targetduration }));
    });
    hls.on(Player.Events.ERROR, (_, { fatal, type }) => {
      const now = performance.now();
      if (!fatal) return;
      if (type === Player.ErrorTypes.MEDIA_ERROR && now - this.#recoveredAt > RECOVER_MS) {
        this.#recoveredAt = now;
        hls.recoverMediaError();
      } else {
        later(() => this.#failed());
      }
    });
    hls.loadSource(this.#address);
    hls.attachMedia(this.#video);
    this.#play();
  }

  #play(): void {
    const video = this.#video;
    video.play().catch((error: unknown) => {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return; // replaced by a later one
      if (video.muted) {
        this.#show({ paused: true });
        return;
      }
      video.muted = true; // browsers let a page begin without sound
      this.#show({ silenced: true });
      video.play().catch(() => this.#show({ paused: true }));
    });
  }

  #playing(): void {
    window.clearTimeout(this.#stalledTimer);
    this.#show({ air: "on" });
  }

  #waiting(): void {
    window.clearTimeout(this.#stalledTimer);
    this.#stalledTimer = window.setTimeout(() => {
      if (this.#view.air === "on") this.#show({ air: "stalled" });
    }, STALLED_MS);
  }

  /** It cannot go on as it is: begin anew at the next look. */
  #failed(): void {
    if (this.#attached) this.#leave("looking");
  }

  #leave(air: Air): void {
    this.#detach();
    this.#show({ air });
  }

  #detach(): void {
    window.clearTimeout(this.#stalledTimer);
    if (!this.#attached) return;
    this.#attached = false;
    this.#readAt = Number.NEGATIVE_INFINITY;
    this.#hls?.destroy();
    this.#hls = null;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #isLive(): boolean {
    const edge = this.#edge();
    return edge === null || edge - this.#video.currentTime < BEHIND_S;
  }

  /** Where the player would begin now, in seconds of the element. */
  #edge(): number | null {
    const own = this.#hls?.liveSyncPosition ?? null;
    if (own !== null) return own;
    const { seekable } = this.#video;
    return seekable.length > 0 ? seekable.end(seekable.length - 1) : null;
  }

  #show(change: Partial<ProgramView>): void {
    const next = { ...this.#view, ...change };
    const same = (Object.keys(change) as (keyof ProgramView)[]).every((name) => this.#view[name] === next[name]);
    this.#view = next;
    if (!same && !this.#stop.signal.aborted) this.#report(next);
  }
}

/** When a program that the element plays by itself began, in milliseconds since the epoch (Safari: getStartDate). */
function startOf(video: HTMLVideoElement & { getStartDate?: () => Date }): number {
  return video.getStartDate?.().getTime() ?? Number.NaN;
}

async function fetchPlaylist(address: string, signal: AbortSignal): Promise<Playlist | "none" | "away"> {
  try {
    const answer = await fetch(address, { cache: "no-store", signal });
    if (answer.ok) return readPlaylist(await answer.text()) ?? "none";
    return answer.status >= 500 || answer.status === 429 ? "away" : "none";
  } catch {
    return "away";
  }
}
