/** The one large key of the phone page. Held for 0.7 s it cuts: by finger, pointer, or the space bar or Enter. */
import { type KeyboardEvent, type PointerEvent, useEffect, useEffectEvent, useRef, useState } from "react";
import { useText } from "../i18n";
import { acts, type Hold, HOLD_MS, type HoldEvent, step } from "./hold";
import classes from "./Phone.module.css";

const TICK_MS = 30;
const HOLDS = new Set([" ", "Enter"]);

interface Props {
  inForce: boolean;
  disabled: boolean;
  onHeld: () => void;
}

export function HoldKey({ inForce, disabled, onHeld }: Props) {
  const text = useText().multi;
  const [hold, show] = useState<Hold>({ at: "rest" });
  const now = useRef<Hold>(hold); // what the next event finds, however soon it comes
  const handle = useEffectEvent((kind: HoldEvent["kind"]) => {
    const next = step(now.current, { kind, now: performance.now() });
    const acted = acts(now.current, next);
    if (next === now.current) return;
    now.current = next;
    show(next);
    if (!acted) return;
    onHeld();
    navigator.vibrate?.(120);
  });
  const running = hold.at !== "rest";
  useEffect(() => {
    if (!running) return undefined;
    const timer = window.setInterval(() => handle("tick"), TICK_MS);
    return () => window.clearInterval(timer);
  }, [running]);
  const down = (event: PointerEvent<HTMLButtonElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    handle("down");
  };
  /** With the pointer captured, it leaves without an event: where it is says so. */
  const move = (event: PointerEvent<HTMLButtonElement>) => {
    const { left, right, top, bottom } = event.currentTarget.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    if (x < left || x > right || y < top || y > bottom) handle("cancel");
  };
  const key = (kind: "down" | "up") => (event: KeyboardEvent) => {
    if (!HOLDS.has(event.key)) return;
    event.preventDefault();
    if (!event.repeat) handle(kind);
  };
  const words = hold.at === "held" ? text.holding : hold.at === "short" ? text.tooShort : inForce ? text.again : text.holdHint;
  return (
    <button
      type="button"
      className={classes.cut}
      data-testid="hold-cut"
      data-hold={hold.at}
      data-in-force={inForce}
      aria-disabled={disabled}
      style={{ "--hold": `${HOLD_MS}ms` } as React.CSSProperties}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={() => handle("up")}
      onPointerCancel={() => handle("cancel")}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={key("down")}
      onKeyUp={key("up")}
      onBlur={() => handle("cancel")}
    >
      <i className={classes.bar} aria-hidden />
      <b>{inForce ? text.inForce : text.hold}</b>
      <span aria-live="polite">{words}</span>
    </button>
  );
}
