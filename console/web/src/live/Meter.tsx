import { useEffect, useRef } from "react";
import type { Feed } from "../api/types";
import { useText } from "../i18n";
import { desk, FLOOR_DB } from "../player/audio";
import classes from "./Monitor.module.css";

const EVERY_MS = 50;
const FALL_DB_S = 20; // as a peak programme meter falls

/** Left and right peak level. Drawn past React: it changes twenty times a second. */
export function Meter({ feed }: { feed: Feed }) {
  const text = useText();
  const left = useRef<HTMLElement>(null);
  const right = useRef<HTMLElement>(null);
  useEffect(() => {
    const shown = { left: FLOOR_DB, right: FLOOR_DB };
    const fall = (FALL_DB_S * EVERY_MS) / 1000;
    const timer = window.setInterval(() => {
      const levels = desk.levels(feed) ?? { left: FLOOR_DB, right: FLOOR_DB };
      shown.left = Math.max(levels.left, shown.left - fall);
      shown.right = Math.max(levels.right, shown.right - fall);
      draw(left.current, shown.left);
      draw(right.current, shown.right);
    }, EVERY_MS);
    return () => window.clearInterval(timer);
  }, [feed]);
  return (
    <div className={classes.meter} title={desk.awake ? text.sound.meter : text.sound.asleep}>
      <span className={classes.bar}>
        <i ref={left} data-testid={`meter-${feed}`} />
      </span>
      <span className={classes.bar}>
        <i ref={right} />
      </span>
    </div>
  );
}

function draw(bar: HTMLElement | null, db: number): void {
  if (bar !== null) bar.style.clipPath = `inset(${((db / FLOOR_DB) * 100).toFixed(1)}% 0 0 0)`;
}
