/** The hands' side of the live screen: what keys and buttons do, in one place so that both do the same. */
import { type RefObject, useCallback, useEffect, useEffectEvent, useRef, useState } from "react";
import { client } from "../api/client";
import { may } from "../api/may";
import { askedBy, confirmation, hasKey, whyRefused } from "../api/press";
import { cutToUndo } from "../api/reducer";
import { useConsole } from "../api/store";
import type { ChannelStatus, ClipStatus, Command, Feed } from "../api/types";
import { useText } from "../i18n";
import { watchGamepads } from "../keys/gamepad";
import { actOf, isCommand, keyName } from "../keys/keymap";
import { useKeymap } from "../keys/useKeys";
import { desk } from "../player/audio";
import { SLATE } from "./filler";
import { isDigit, typesText } from "./keyboard";

/** A second press ends the broadcast: not sooner than this after the first (a double click), not later than that. */
const AGAIN_FROM_MS = 350;
const AGAIN_UNTIL_MS = 4_000;
/** The digit that leads to the text field of a reason. */
export const OWN_WORDS = "0";

/** The key that hands over, takes over or steps in; nobody can give it to anything else. */
export const DUTY = "H";
/** The key that takes a mistaken cut back; as fixed as that one. */
export const UNDO = "U";
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
  /** The field for a reason in one's own words. */
  ownWords: RefObject<HTMLInputElement | null>;
  /** Asks why a condemned span is lifted, or the cut undone; then does it. */
  askLift: (span: string) => void;
  askUncut: () => void;
  /** A note on this channel is being written; those who may not take one have no key for it. */
  noting: boolean;
  mayNote: boolean;
  note: (open: boolean) => void;
  /** The line to hand over, take over or step in is open; those who are never on duty have no key for it. */
  onDuty: boolean;
  mayDuty: boolean;
  watchOver: (open: boolean) => void;
}

export type Asking = "restore" | "stop" | "lift" | "uncut";

export function useDeck(channel: ChannelStatus | undefined, all: ChannelStatus[], show: (name: string) => void): Deck {
  const name = channel?.name ?? "";
  const [asked, ask] = useState<{ cmd: Asking; name: string; span?: string } | null>(null);
  const mayAsked = useConsole((state) => asked === null || hasKey(state.rights, name, asked.cmd));
  const asking = asked?.name === name && mayAsked ? asked.cmd : null;
  const { stopArmed, armOrStop } = useStop(name, () => ask({ cmd: "stop", name }));
  const answer = (reason: string | null) => {
    if (asking !== null && reason !== null) client.send(name, asking, asked?.span === undefined ? { reason } : { reason, span: asked.span });
    ask(null);
  };
  const ownWords = useRef<HTMLInputElement>(null);
  const [noted, setNoted] = useState<string | null>(null);
  const mayNote = useConsole((state) => may(state.rights, "incident:note", name));
  const noting = noted === name && mayNote;
  const note = useCallback((open: boolean) => setNoted(open ? name : null), [name]);
  const [watched, setWatched] = useState<string | null>(null);
  const mayDuty = useConsole((state) => may(state.rights, "duty:take", name));
  const onDuty = watched === name && mayDuty;
  const watchOver = useCallback((open: boolean) => setWatched(open ? name : null), [name]);
  const hasBackup = useConsole((state) => hasKey(state.rights, name, "backup"));
  const text = useText();
  const keymap = useKeymap();
  const { clip, nextClip } = useClip(channel);
  const [heard, setHeard] = useState<Feed | null>(null);

  const hear = useCallback((feed: Feed | null) => {
    desk.wake();
    desk.listen(feed);
    setHeard(feed);
  }, []);
  /** Asks why; the second person confirms the reason that the first one gave. */
  const restore = () => {
    const waiting = channel?.waiting_restore;
    if (waiting && askedBy(channel, useConsole.getState().user) === "other") {
      client.send(name, waiting.what as Command, confirmation(waiting));
    } else ask({ cmd: "restore", name });
  };
  const askLift = (span: string) => ask({ cmd: "lift", name, span });
  const askUncut = () => {
    if (whyRefused(useConsole.getState(), name, "uncut") !== null) client.send(name, "uncut"); // refused in words
    else ask({ cmd: "uncut", name });
  };
  const press = (cmd: Command) => {
    ask(null);
    if (whyRefused(useConsole.getState(), name, cmd) !== null) client.send(name, cmd); // refused in words
    else if (cmd === "stop") armOrStop();
    else if (cmd === "restore") restore();
    else if (cmd === "dump") client.send(name, cmd, { sense: heard === null ? "picture" : null });
    else if (cmd === "backup") client.send(name, cmd, clip === undefined ? {} : { clip: clip.name });
    else client.send(name, cmd);
  };

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typesText(event.target)) return;
    const letter = keyName(event);
    if (asking !== null && (isDigit(letter) || event.key === "Escape")) {
      event.preventDefault();
      const pick = text.reason.picks[asking][Number(letter) - 1];
      if (event.key === "Escape") answer(null);
      else if (letter === OWN_WORDS) ownWords.current?.focus();
      else if (pick !== undefined) answer(pick);
      return;
    }
    if ((noting || onDuty) && event.key === "Escape") {
      note(false);
      watchOver(false);
      return;
    }
    const act = letter === "D" && event.shiftKey ? null : actOf(keymap, letter); // Shift+D is the conveyor's
    const tab = all[Number(letter) - 1];
    const duty = letter === DUTY && mayDuty;
    const undo = letter === UNDO && channel !== undefined && cutToUndo(channel);
    if (act === null ? tab === undefined && !duty && !undo : act === "note" && !mayNote) return;
    event.preventDefault();
    if (event.repeat) return;
    if (act === "backup" && event.shiftKey && hasBackup) nextClip();
    else if (act === "note") note(true);
    else if (act === "sound") hear(EARS[(EARS.indexOf(heard) + 1) % EARS.length] ?? null);
    else if (act !== null && isCommand(act)) press(act);
    else if (duty) watchOver(true);
    else if (undo) askUncut();
    else if (tab !== undefined) show(tab.name);
  });
  useEffect(() => {
    const key = (event: KeyboardEvent) => onKey(event);
    const wake = () => desk.wake();
    window.addEventListener("keydown", key);
    window.addEventListener("keydown", wake);
    window.addEventListener("pointerdown", wake);
    const endGamepads = watchGamepads();
    return () => {
      endGamepads();
      window.removeEventListener("keydown", key);
      window.removeEventListener("keydown", wake);
      window.removeEventListener("pointerdown", wake);
    };
  }, []);
  const lines = { asking, answer, ownWords, askLift, askUncut, noting, mayNote, note, onDuty, mayDuty, watchOver };
  return { press, stopArmed, clip, nextClip, heard, hear, ...lines };
}

/** Stopping takes two presses; the first arms for a few seconds. Another channel on the screen disarms. */
function useStop(name: string, stop: () => void): { stopArmed: boolean; armOrStop: () => void } {
  const [armed, setArmed] = useState<string | null>(null);
  const armedAt = useRef(0);
  useEffect(() => {
    if (armed === null) return undefined;
    const timer = window.setTimeout(() => setArmed(null), AGAIN_UNTIL_MS);
    return () => window.clearTimeout(timer);
  }, [armed]);
  const armOrStop = () => {
    const now = performance.now();
    if (armed !== name) {
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
