/** What the conveyor knows, and what is under the hand; of the one channel that is shown. */
import { useEffect } from "react";
import { create } from "zustand";
import { socketAddress } from "../../api/client";
import { useConsole } from "../../api/store";
import type { StripMessage } from "../../api/types";
import { EMPTY_HAND, type Hand, type HandEvent, reduceHand } from "./hand";
import { NO_STRIP, type Strip, takeMessage } from "./strip";

export const useStrip = create<Strip>(() => NO_STRIP);
export const useHand = create<Hand>(() => EMPTY_HAND);

export function act(event: HandEvent): void {
  useHand.setState((hand) => reduceHand(hand, event));
}

/** The server's wall clock now, seconds. */
export function wallNow(): number {
  return (performance.now() + (useStrip.getState().offsetMs ?? useConsole.getState().clockOffsetMs)) / 1_000;
}

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 5_000;

/** Keeps what came in up to date while the channel is shown. Without it the conveyor has no pictures, and works. */
export function useStripSocket(channel: string, delayS: number): void {
  useEffect(() => {
    let socket: WebSocket | null = null;
    let timer: number | undefined;
    let retryMs = RETRY_FIRST_MS;
    const connect = () => {
      const mine = new WebSocket(socketAddress(`/api/v1/channels/${encodeURIComponent(channel)}/conveyor`));
      socket = mine;
      mine.addEventListener("message", ({ data }: MessageEvent<string>) => {
        if (socket !== mine) return;
        retryMs = RETRY_FIRST_MS;
        const message = JSON.parse(data) as StripMessage;
        useStrip.setState((strip) => takeMessage(strip, message, delayS, performance.now()));
      });
      mine.addEventListener("close", () => {
        if (socket !== mine) return;
        socket = null;
        useStrip.setState({ up: false });
        timer = window.setTimeout(connect, retryMs);
        retryMs = Math.min(RETRY_MOST_MS, retryMs * 2);
      });
    };
    connect();
    return () => {
      window.clearTimeout(timer);
      const mine = socket;
      socket = null;
      mine?.close();
      useStrip.setState(NO_STRIP);
      useHand.setState(EMPTY_HAND);
    };
  }, [channel, delayS]);
}
