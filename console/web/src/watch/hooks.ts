/** What the page follows: the program, the viewer, and whether somebody is at the controls. */
import { type RefObject, useEffect, useReducer, useRef, useState } from "react";
import { playlistPath } from "../feed/address";
import type { Interaction } from "../feed/wire";
import { isOpen, type Own, type OwnEvent, reduceOwn } from "./own";
import { Program, type ProgramView } from "./program";
import { readViewer, type Viewer } from "./viewer";

const AT_FIRST: ProgramView = { air: "looking", paused: false, silenced: false, live: true };

/** Plays the program of a channel in a video element. */
export function useProgram(video: RefObject<HTMLVideoElement | null>, channel: string): [ProgramView, RefObject<Program | null>] {
  const [view, setView] = useState(AT_FIRST);
  const program = useRef<Program | null>(null);
  useEffect(() => {
    if (video.current === null) return undefined;
    const playing = new Program(video.current, playlistPath(channel), setView);
    program.current = playing;
    return () => {
      program.current = null;
      playing.close();
    };
  }, [video, channel]);
  return [view, program];
}

const ASK_MS = 30_000; // publication is told by the feed, at once; this is for what else may become of a comment
const ASK_AGAIN_MS = 5_000;
const SPREAD_MS = 3_000; // a whole audience does not ask in one moment

export interface Me {
  viewer: Viewer | null;
  own: readonly Own[];
  change: (event: OwnEvent) => void;
  setViewer: (viewer: Viewer) => void;
}

/**
 * Who one is here, and the own comments. Asks again while one of them waits, and when `known` changes: what is open
 * changed, or a connection came back.
 */
export function useMe(channel: string, known: Interaction | null): Me {
  const [viewer, setViewer] = useState<Viewer | null>(null);
  const [own, change] = useReducer(reduceOwn, []);
  const waits = isOpen(own);
  useEffect(() => {
    let left = false;
    const read = async (): Promise<void> => {
      const found = await readViewer(channel);
      if (left) return;
      if (found === null) {
        timer = window.setTimeout(() => void read(), ASK_AGAIN_MS);
        return;
      }
      setViewer(found);
      change({ type: "told", own: found.own });
    };
    let timer = window.setTimeout(() => void read(), known === null ? 0 : Math.random() * SPREAD_MS);
    return () => {
      left = true;
      window.clearTimeout(timer);
    };
  }, [channel, known]);
  useEffect(() => {
    if (!waits) return undefined;
    const look = async (): Promise<void> => {
      const found = document.hidden ? null : await readViewer(channel);
      if (found !== null) change({ type: "told", own: found.own });
    };
    const timer = window.setInterval(() => void look(), ASK_MS);
    return () => window.clearInterval(timer);
  }, [channel, waits]);
  return { viewer, own, change, setViewer };
}

const IDLE_MS = 3_000;

/** Whether nobody has moved a pointer over an element, or touched it, for 3 s. */
export function useIdle(element: RefObject<HTMLElement | null>): boolean {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    const watched = element.current;
    if (watched === null) return undefined;
    let timer: number | undefined;
    const stir = (): void => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => setIdle(true), IDLE_MS);
      setIdle(false);
    };
    stir();
    const events = ["pointermove", "pointerdown", "keydown"] as const;
    for (const name of events) watched.addEventListener(name, stir);
    return () => {
      window.clearTimeout(timer);
      for (const name of events) watched.removeEventListener(name, stir);
    };
  }, [element]);
  return idle;
}
