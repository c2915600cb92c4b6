/** Which key does what on the conveyor and in the review player. Pure. */
import { letterOf } from "../keyboard";

/** What may become of a span beside filler, and the key of each while a span is chosen. */
export const REDACTIONS = { mute: "M", bleep: "T", mosaic: "V" } as const;
export type Redaction = keyof typeof REDACTIONS;
export const HOW = Object.keys(REDACTIONS) as Redaction[];

export type HandKey =
  | { do: "mark"; edge: "from" | "to" }
  | { do: "condemn" }
  | { do: "redact"; how: Redaction }
  | { do: "leave" }
  | { do: "review" }
  | { do: "back" }
  | { do: "lift" }
  | { do: "play" }
  | { do: "step"; direction: 1 | -1 }
  | { do: "nudge"; seconds: number }
  | { do: "edge"; edge: "from" | "to" }
  | { do: "moment"; direction: 1 | -1 }
  | { do: "box" }
  | { do: "boxArrow"; x: -1 | 0 | 1; y: -1 | 0 | 1; size: boolean };

export const NUDGE_S = 0.1;
export const NUDGE_FAR_S = 1;

type Pressed = Pick<KeyboardEvent, "key" | "code" | "shiftKey">;

interface UnderHand {
  /** A span is being chosen. */
  chosen: boolean;
  /** A condemned one is picked. */
  picked: boolean;
  /** The review player is open. */
  open: boolean;
  /** The box on its picture is in the hand. */
  boxing: boolean;
}

const ARROWS: Record<string, readonly [-1 | 0 | 1, -1 | 0 | 1]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function handKeyOf(event: Pressed, { chosen, picked, open, boxing }: UnderHand): HandKey | null {
  const arrow = boxing ? ARROWS[event.key] : undefined;
  if (arrow !== undefined) return { do: "boxArrow", x: arrow[0], y: arrow[1], size: event.shiftKey };
  switch (event.key) {
    case "Enter":
      return chosen ? { do: "condemn" } : null;
    case "Escape":
      return chosen || picked || open ? { do: "leave" } : null;
    case "Delete":
    case "Backspace":
      return picked ? { do: "lift" } : null;
    case "ArrowLeft":
    case "ArrowRight": {
      // Newer things lie to the left.
      const sign = event.key === "ArrowLeft" ? 1 : -1;
      if (chosen) return { do: "nudge", seconds: sign * (event.shiftKey ? NUDGE_FAR_S : NUDGE_S) };
      return open ? { do: "step", direction: sign } : null;
    }
    case "ArrowUp":
    case "ArrowDown":
      return chosen ? { do: "moment", direction: event.key === "ArrowUp" ? 1 : -1 } : null;
    case "Tab":
      return null;
    case ",":
    case ".":
      return open ? { do: "step", direction: event.key === "." ? 1 : -1 } : null;
    case " ":
      return open ? { do: "play" } : null;
  }
  const letter = letterOf(event);
  const how = chosen ? HOW.find((one) => REDACTIONS[one] === letter) : undefined;
  if (how !== undefined) return { do: "redact", how };
  switch (letter) {
    case "I":
      return { do: "mark", edge: "from" };
    case "O":
      return { do: "mark", edge: "to" };
    case "P":
      return { do: "review" };
    case "D":
      return event.shiftKey ? { do: "back" } : null;
    case "A":
      return open ? { do: "box" } : null;
    case "K":
      return open ? { do: "play" } : null;
    default:
      return null;
  }
}
