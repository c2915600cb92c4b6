/** The one place where the page keeps what the console told it. */
import { create } from "zustand";
import { type ConsoleState, type Event, initialState, reduce } from "./reducer";
import type { ChannelStatus } from "./types";

export const useConsole = create<ConsoleState>()(() => initialState(performance.now(), Date.now()));

export function dispatch(event: Event): void {
  const before = useConsole.getState();
  const after = reduce(before, event);
  if (after !== before) useConsole.setState(after, true);
}

export function useChannel(name: string): ChannelStatus | undefined {
  return useConsole((state) => state.channels.find((channel) => channel.name === name));
}
