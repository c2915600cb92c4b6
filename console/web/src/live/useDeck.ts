/** The hands' side of the live screen: what keys and buttons do, in one place so that both do the same. */
import { useCallback, useEffect, useEffectEvent, useRef, useState } from "react";
import { client } from "../api/client";
import { whyNot } from "../api/reducer";
import type { ChannelStatus, ClipStatus, Command, Feed } from "../api/types";
import { useText } from "../i18n";
import { desk } from "../player/audio";
import { SLATE } from "./filler";
import { letterOf, typesText } from "./keyboard";

/** A second press ends the broadcast: not sooner than this after the first (a double click), not later than that. */
const AGAIN_FROM_MS = 350;
const AGAIN_UNTIL_MS = 4_000;
export const DUMP_S = 10;

const COMMAND_KEYS: Record<string, Command> = {
  X: "cut",
  D: "dump",
  B: "backup",
  R: "restore",
  L: "live",
  G: "start",
  E: "stop",
};
const EARS: (Feed | null)[] = [null, "pvw", "pgm"];

export interface Deck {
  press: (cmd: Command) => void;
  stopArmed: boolean;
  clip: ClipStatus | undefined;
  nextClip: () => void;
  heard: Feed | null;
  hear: (feed: Feed | null) => void;
  /** The command that waits for its reason. */
  asking: Asking | null;
  answer: (reason: string | null) => void;
}

export type Asking = "restore" | "stop";

export function useDeck(channel: ChannelStatus | undefined, all: ChannelStatus[], show: (name: string) => void): Deck {
  const name = channel?.name ?? "";
  const [asked, ask] = useState<{ cmd: Asking; name: string } | null>(null);
  const asking = asked?.name === name ? asked.cmd : null;
  const { stopArmed, armOrStop } = useStop(name, () => ask({ cmd: "stop", name }));
  const answer = (reason: string | null) => {
    if (asking !== null && reason !== null) client.send(name, asking, { reason });
    ask(null);
  };
  const text = useText();
  const { clip, nextClip } = useClip(channel);
  const [heard, setHeard] = useState<Feed | null>(null);

  const hear = useCallback((feed: Feed | null) => {
    desk.wake();
    desk.listen(feed);
    setHeard(feed);
  }, []);
  const press = (cmd: Command) => {
    ask(null);
    if (cmd === "stop") armOrStop(channel?.state === "stopped");
    else if (cmd === "restore" && whyNot(channel, cmd) === null) ask({ cmd, name });
    else if (cmd === "dump") client.send(name, cmd, { seconds: DUMP_S });
    else if (cmd === "backup") client.send(name, cmd, clip === undefined ? {} : { clip: clip.name });
    else client.send(name, cmd);
  };

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typesText(event.target)) return;
    const letter = letterOf(event);
    const pick = asking === null ? undefined : text.reason.picks[asking][Number(letter) - 1];
    if (asking !== null && (pick !== undefined || event.key === "Escape")) {
      event.preventDefault();
      answer(pick ?? null);
      return;
    }
    const cmd = COMMAND_KEYS[letter];
    const tab = all[Number(letter) - 1];
    const mine = cmd !== undefined || letter === "S" || tab !== undefined;
    if (!mine) return;
    event.preventDefault();
    if (event.repeat) return;
    if (cmd === "backup" && event.shiftKey) nextClip();
    else if (cmd !== undefined) press(cmd);
    else if (letter === "S") hear(EARS[(EARS.indexOf(heard) + 1) % EARS.length] ?? null);
    else if (tab !== undefined) show(tab.name);
  });
  useEffect(() => {
    const key = (event: KeyboardEvent) => onKey(event);
    const wake = () => desk.wake();
    window.addEventListener("keydown", key);
    window.addEventListener("keydown", wake);
    window.addEventListener("pointerdown", wake);
    return () => {
      window.removeEventListener("keydown", key);
      window.removeEventListener("keydown", wake);
      window.removeEventListener("pointerdown", wake);
    };
  }, []);
  return { press, stopArmed, clip, nextClip, heard, hear, asking, answer };
}

/** Stopping takes two presses; the first arms for a few seconds. Another channel on the screen disarms. */
function useStop(name: string, stop: () => void): { stopArmed: boolean; armOrStop: (stopped: boolean) => void } {
  const [armed, setArmed] = useState<string | null>(null);
  const armedAt = useRef(0);
  useEffect(() => {
    if (armed === null) return undefined;
    const timer = window.setTimeout(() => setArmed(null), AGAIN_UNTIL_MS);
    return () => window.clearTimeout(timer);
  }, [armed]);
  const armOrStop = (stopped: boolean) => {
    const now = performance.now();
    if (stopped) {
      client.send(name, "stop"); // refused in words
    } else if (armed !== name) {
      armedAt.current = now;
      setArmed(name);
    } else if (now - armedAt.current >= AGAIN_FROM_MS) {
      setArmed(null);
      stop();
    }
  };
  return { stopArmed: armed === name, armOrStop };
}

/** The clip that the backup key airs: the first usable one that is no mere standby card, until another is chosen. */
function useClip(channel: ChannelStatus | undefined): { clip: ClipStatus | undefined; nextClip: () => void } {
  const [chosen, choose] = useState<Record<string, string>>({});
  const clips = channel?.clips ?? [];
  const name = channel?.name ?? "";
  const at = clips.findIndex((candidate) => candidate.name === chosen[name]);
  const clip = clips[at] ?? clips.find(({ name: file, error }) => error === "" && file !== SLATE) ?? clips[0];
  const nextClip = () => {
    if (clip === undefined) return;
    const next = clips[(clips.indexOf(clip) + 1) % clips.length];
    if (next !== undefined) choose({ ...chosen, [name]: next.name });
  };
  return { clip, nextClip };
}
