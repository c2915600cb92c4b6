/** Where things lie on the film, as CSS. Pure. */

export interface Places {
  /** What came in at `at`. */
  point: (at: number) => { left: string };
  /** What came in between: the newer end is at the left. */
  span: (from: number, to: number) => { left: string; width: string };
}

/** `anchorS`: what came in then lies at the left edge of the film; older things to its right. */
export function placesOf(anchorS: number, delayS: number): Places {
  const percent = (seconds: number) => `${((seconds / delayS) * 100).toFixed(4)}%`;
  return {
    point: (at) => ({ left: percent(anchorS - at) }),
    span: (from, to) => ({ left: percent(anchorS - to), width: percent(to - from) }),
  };
}
