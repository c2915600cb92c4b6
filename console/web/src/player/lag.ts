/**
 * Keeps a live player close behind its feed. Pure: what the player shows goes in, what to do comes out.
 *
 * Measured values (FACTS.md, preview): a target of 0.2 s behind the end of the buffer; jump when more than 1.5 s behind
 * that; catch up by playing 1.08 to 1.2 times as fast; each stall during steady play raises the target by 0.1 s up to
 * 0.6 s. Fixed targets under 0.15 s oscillate.
 */

export interface Span {
  start: number;
  end: number;
}

export interface PlayerView {
  currentTime: number;
  /** Buffered ranges in ascending order, seconds. */
  buffered: readonly Span[];
}

export interface Steering {
  /** Seconds to seek to, or null. */
  seekTo: number | null;
  rate: number;
  /** Seconds between the picture and the newest data; null while nothing is buffered. */
  lag: number | null;
}

const TARGET_FIRST_S = 0.2;
const TARGET_STEP_S = 0.1;
const TARGET_MOST_S = 0.6;
const JUMP_S = 1.5;
const HASTE_S = 0.5;
const SLACK_S = 0.1;
const AHEAD_S = 4; // Chromium lets sound run on past the last picture for 3 s, then waits
const STEADY_MS = 1_500;

export class LagController {
  #target = TARGET_FIRST_S;
  #rate = 1;
  #playingSince: number | null = null;
  #fresh = false;

  get target(): number {
    return this.#target;
  }

  /** The player began to show pictures, or goes on after a stall. */
  playing(now: number): void {
    this.#playingSince ??= now;
  }

  /** The player ran out of data. A stall during steady play asks for more reserve; one right after a seek does not. */
  waiting(now: number): void {
    if (this.#playingSince !== null && now - this.#playingSince >= STEADY_MS) {
      this.#target = Math.min(TARGET_MOST_S, Math.round((this.#target + TARGET_STEP_S) * 10) / 10);
    }
    this.#playingSince = null;
  }

  /** The buffer was emptied, and what comes next may count its time from anywhere. */
  anew(): void {
    this.#fresh = true;
  }

  steer(view: PlayerView): Steering {
    const newest = view.buffered.at(-1);
    if (newest === undefined) return { seekTo: null, rate: 1, lag: null };
    const lag = Math.max(0, newest.end - view.currentTime);
    const goal = Math.max(newest.start, newest.end - this.#target);
    const outside = view.currentTime < newest.start || view.currentTime > newest.end + (this.#fresh ? 0 : AHEAD_S);
    this.#fresh = false;
    if (outside || lag > this.#target + JUMP_S) {
      this.#playingSince = null;
      this.#rate = 1;
      return { seekTo: goal, rate: 1, lag: newest.end - goal };
    }
    if (lag > this.#target + HASTE_S) this.#rate = 1.2;
    else if (lag > this.#target + SLACK_S) this.#rate = Math.max(this.#rate, 1.08);
    else if (lag <= this.#target) this.#rate = 1;
    return { seekTo: null, rate: this.#rate, lag };
  }
}
