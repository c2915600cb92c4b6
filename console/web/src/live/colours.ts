import type { ChannelState, DestinationState } from "../api/types";
import type { LampColour } from "./Lamp";

/** Red: the feed is on air. Amber: filler airs and somebody should look. Blue: filler airs as asked or expected. */
export const stateColour: Record<ChannelState, LampColour> = {
  live: "red",
  cut: "amber",
  backup: "blue",
  filling: "blue",
  no_input: "amber",
  stopped: "off",
};

export const destinationColour: Record<DestinationState, LampColour> = {
  waiting: "amber",
  idle: "off",
  connecting: "amber",
  live: "green",
  behind: "amber",
  backoff: "amber",
  failed: "red",
};
