/** Moves the film with time. The browser's compositor does it, at its own rate: no script, no layout, no painting. */
import { type RefObject, useLayoutEffect } from "react";

/** Places on the film are counted from here, so that they stay small numbers. */
export const ANCHOR_EVERY_S = 600;
/** A clock that is corrected by less moves nothing. */
export const CALM_MS = 10;

/** `anchorS`: wall clock; what came in then is at the left edge of the film. */
export function useFilm(film: RefObject<HTMLDivElement | null>, anchorS: number, delayS: number, offsetMs: number): void {
  useLayoutEffect(() => {
    const lasts = 2 * ANCHOR_EVERY_S;
    const moving = film.current?.animate(
      [{ transform: "translateX(0)" }, { transform: `translateX(${(lasts / delayS) * 100}%)` }],
      { duration: lasts * 1_000, fill: "both" },
    );
    if (moving !== undefined) moving.currentTime = performance.now() + offsetMs - anchorS * 1_000;
    return () => moving?.cancel();
  }, [film, anchorS, delayS, offsetMs]);
}
