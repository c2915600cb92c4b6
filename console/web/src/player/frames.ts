/** Goes through a video frame by frame, whatever its rate is. */

/** Frames are looked for in steps of this at first; what is learned from the picture replaces it. */
const GUESS_S = 1 / 60;
const LONGEST_FRAME_S = 0.25;
const STEP_TRIES = 14;
const SEEK_MS = 2_000;

export class FrameStepper {
  readonly #video: HTMLVideoElement;
  #frameAt: number | null = null;
  #frameS = GUESS_S;
  #closed = false;

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    this.#watch();
  }

  close(): void {
    this.#closed = true;
  }

  /** Another video is in the element: where its pictures stand is not known yet. */
  anew(): void {
    this.#frameAt = null;
  }

  /** Pauses, and goes one frame on or back. */
  async step(direction: 1 | -1): Promise<void> {
    const video = this.#video;
    video.pause();
    const shown = this.#frameAt ?? video.currentTime;
    for (let tries = 1; tries <= STEP_TRIES; tries += 1) {
      const target = Math.max(0, shown + direction * this.#frameS * tries + 0.001);
      // oxlint-disable-next-line no-await-in-loop -- each look needs the picture before it
      await this.#seek(target);
      const found = this.#frameAt ?? video.currentTime;
      if (Math.abs(found - shown) > 0.001) {
        this.#learn(Math.abs(found - shown));
        return;
      }
      if (target === 0) return;
    }
  }

  async #seek(target: number): Promise<void> {
    const video = this.#video;
    await new Promise<void>((done) => {
      const timer = window.setTimeout(done, SEEK_MS);
      const over = () => {
        window.clearTimeout(timer);
        // The callback of the picture comes after the event, or not at all when it is the same picture.
        window.requestAnimationFrame(() => window.requestAnimationFrame(() => done()));
      };
      video.addEventListener("seeked", over, { once: true });
      video.currentTime = target;
    });
  }

  #learn(seconds: number): void {
    if (seconds > 0.004 && seconds < LONGEST_FRAME_S) this.#frameS = this.#frameS === GUESS_S ? seconds : Math.min(this.#frameS, seconds);
  }

  #watch(): void {
    const look = (_now: number, { mediaTime }: VideoFrameCallbackMetadata): void => {
      if (this.#closed) return;
      if (this.#frameAt !== null && !this.#video.paused) this.#learn(mediaTime - this.#frameAt);
      this.#frameAt = mediaTime;
      this.#video.requestVideoFrameCallback(look);
    };
    this.#video.requestVideoFrameCallback(look);
  }
}
