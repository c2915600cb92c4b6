/**
 * Sound of the two players: one audible at a time, level meters for both.
 *
 * A browser lets a page make sound only after the first key or click: until `wake` both elements stay muted and there
 * are no levels. From then on the elements play into a graph of ours and a gain per feed decides who is heard.
 */
import type { Feed } from "../api/types";

export const FLOOR_DB = -60;

export interface Levels {
  left: number; // dBFS, FLOOR_DB .. 0
  right: number;
}

interface Strip {
  gain: GainNode;
  left: AnalyserNode;
  right: AnalyserNode;
}

const FFT = 1024; // 21 ms at 48 kHz: one meter frame
const FADE_S = 0.015; // no click when the ear moves from one feed to the other

export class AudioDesk {
  readonly #elements = new Map<Feed, HTMLVideoElement>();
  /** An element can be taken into a graph only once in its life. */
  readonly #sources = new WeakMap<HTMLVideoElement, MediaElementAudioSourceNode>();
  readonly #strips = new Map<Feed, Strip>();
  readonly #samples = new Float32Array(FFT);
  #context: AudioContext | null = null;
  #audible: Feed | null = null;

  get awake(): boolean {
    return this.#context?.state === "running";
  }

  add(feed: Feed, element: HTMLVideoElement): () => void {
    this.#elements.set(feed, element);
    if (this.#context !== null) this.#plug(this.#context, feed, element);
    return () => {
      this.#elements.delete(feed);
      this.#strips.get(feed)?.gain.disconnect();
      this.#strips.delete(feed);
    };
  }

  /** Call from within a key or pointer handler. */
  wake(): void {
    if (this.#context === null) {
      this.#context = new AudioContext({ latencyHint: "interactive" });
      for (const [feed, element] of this.#elements) this.#plug(this.#context, feed, element);
    }
    if (this.#context.state === "suspended") void this.#context.resume();
  }

  listen(feed: Feed | null): void {
    this.#audible = feed;
    const context = this.#context;
    if (context === null) return;
    for (const [name, strip] of this.#strips) {
      strip.gain.gain.setTargetAtTime(name === feed ? 1 : 0, context.currentTime, FADE_S);
    }
  }

  /** Peak levels of the last 21 ms; null while there are none to be had. */
  levels(feed: Feed): Levels | null {
    const strip = this.#strips.get(feed);
    if (strip === undefined || !this.awake) return null;
    return { left: this.#peak(strip.left), right: this.#peak(strip.right) };
  }

  #plug(context: AudioContext, feed: Feed, element: HTMLVideoElement): void {
    const source = this.#sources.get(element) ?? context.createMediaElementSource(element);
    this.#sources.set(element, source);
    element.muted = false; // from here on the gain is the switch
    const stereo = new GainNode(context, { channelCount: 2, channelCountMode: "explicit" }); // mono shows on both
    const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
    const left = new AnalyserNode(context, { fftSize: FFT });
    const right = new AnalyserNode(context, { fftSize: FFT });
    const gain = new GainNode(context, { gain: feed === this.#audible ? 1 : 0 });
    source.connect(stereo).connect(splitter);
    splitter.connect(left, 0);
    splitter.connect(right, 1);
    stereo.connect(gain).connect(context.destination);
    this.#strips.set(feed, { gain, left, right });
  }

  #peak(analyser: AnalyserNode): number {
    analyser.getFloatTimeDomainData(this.#samples);
    let peak = 0;
    for (const sample of this.#samples) peak = Math.max(peak, Math.abs(sample));
    return peak > 0 ? Math.max(FLOOR_DB, Math.min(0, 20 * Math.log10(peak))) : FLOOR_DB;
  }
}

export const desk = new AudioDesk();
