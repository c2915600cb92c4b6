import { useEffect, useState } from "react";
import { secondsLeft } from "../sign_in/wait";

/** Whole seconds until a moment of performance.now(), counted down; 0 when it has passed. */
export function useSecondsLeft(until: number): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const count = (): number => {
      const now = secondsLeft(until, performance.now());
      setLeft(now);
      return now;
    };
    if (count() === 0) return undefined;
    const timer = window.setInterval(() => count() === 0 && window.clearInterval(timer), 250);
    return () => window.clearInterval(timer);
  }, [until]);
  return left;
}
