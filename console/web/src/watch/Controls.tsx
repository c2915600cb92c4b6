import { type ReactNode, type RefObject, useEffect, useState, useSyncExternalStore } from "react";
import styles from "./Controls.module.css";
import type { Choices } from "./kept";
import type { Program, ProgramView } from "./program";
import { useWords } from "./words";

interface Props {
  frame: RefObject<HTMLElement | null>;
  video: RefObject<HTMLVideoElement | null>;
  program: RefObject<Program | null>;
  view: ProgramView;
  choices: Choices;
  choose: (change: Partial<Choices>) => void;
}

/** Play, back to live, sound, full screen. They are there only while there is a program. */
export function Controls({ frame, video, program, view, choices, choose }: Props) {
  const words = useWords();
  const muted = useMuted(video);
  const full = useSyncExternalStore(watchFullscreen, () => document.fullscreenElement !== null);
  const { volume } = choices;
  useEffect(() => {
    program.current?.setVolume(volume);
  }, [program, volume]);
  if (view.air !== "on" && view.air !== "stalled" && view.air !== "starting") return null;
  const silent = muted || volume === 0;
  const listen = (): void => {
    if (volume === 0) choose({ volume: 1 });
    program.current?.setMuted(volume === 0 ? false : !muted);
  };
  return (
    <div className={styles.bar} data-testid="controls">
      {view.silenced && (
        <button type="button" className={styles.soundOn} onClick={() => program.current?.setMuted(false)}>
          {words.soundOn}
        </button>
      )}
      <Press label={view.paused ? words.play : words.pause} onClick={() => program.current?.toggle()}>
        {view.paused ? <path d="M7 4v16l13-8z" fill="currentColor" /> : <path d="M8 5v14M16 5v14" strokeWidth="4" />}
      </Press>
      <button type="button" className={styles.live} data-live={view.live && !view.paused} onClick={() => program.current?.goLive()}>
        {view.live && !view.paused ? words.isLive : words.toLive}
      </button>
      <span className={styles.room} />
      <Press label={words.sound} pressed={!silent} onClick={listen}>
        <path d="M4 9v6h4l5 4V5L8 9z" fill="currentColor" />
        {silent ? <path d="m16 9 6 6m0-6-6 6" /> : <path d="M16 8a5 5 0 0 1 0 8m2.5-10.500a9 9 0 0 1 0 13" />}
      </Press>
      <input
        className={styles.volume}
        type="range"
        min={0}
        max={1}
        step={0.05}
        value={muted ? 0 : volume}
        aria-label={words.volume}
        onChange={(event) => {
          const chosen = Number(event.currentTarget.value);
          choose({ volume: chosen });
          program.current?.setMuted(chosen === 0);
        }}
      />
      <Press label={full ? words.endFullscreen : words.fullscreen} onClick={() => toggleFullscreen(frame.current, video.current)}>
        <path d={full ? "M9 4v5H4m11-5v5h5M9 20v-5H4m11 5v-5h5" : "M4 9V4h5m6 0h5v5M4 15v5h5m6 0h5v-5"} />
      </Press>
    </div>
  );
}

interface PressProps {
  label: string;
  pressed?: boolean;
  onClick: () => void;
  children: ReactNode;
}

function Press({ label, pressed, onClick, children }: PressProps) {
  return (
    <button type="button" className={styles.press} aria-label={label} aria-pressed={pressed} title={label} onClick={onClick}>
      <svg viewBox="0 0 24 24" width="22" height="22" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" aria-hidden>
        {children}
      </svg>
    </button>
  );
}

function useMuted(video: RefObject<HTMLVideoElement | null>): boolean {
  const [muted, setMuted] = useState(false);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    const read = (): void => setMuted(element.muted);
    element.addEventListener("volumechange", read);
    return () => element.removeEventListener("volumechange", read);
  }, [video]);
  return muted;
}

function watchFullscreen(changed: () => void): () => void {
  document.addEventListener("fullscreenchange", changed);
  return () => document.removeEventListener("fullscreenchange", changed);
}

/** The whole stage where the browser can, so that comments cross it there, too; on an iPhone the video alone. */
function toggleFullscreen(frame: HTMLElement | null, video: HTMLVideoElement | null): void {
  const phone = video as (HTMLVideoElement & { webkitEnterFullscreen?: () => void }) | null;
  if (document.fullscreenElement !== null) void document.exitFullscreen();
  else if (frame !== null && "requestFullscreen" in frame) frame.requestFullscreen().catch(() => undefined);
  else phone?.webkitEnterFullscreen?.();
}
