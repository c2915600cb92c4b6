/** What a person is told around signing in, once: why the session before is over, and when the last sign-in was. */
import { create } from "zustand";
import type { LastSignIn, Problem } from "./types";

interface Arrival {
  /** Why the session is over that this page, or this browser, had; null: it had none, or the person ended it. */
  over: Problem | null;
  /** The sign-in before the one just done, and the tries that failed since; null once it was seen. */
  last: LastSignIn | null;
}

export const useArrival = create<Arrival>()(() => ({ over: null, last: null }));

/** Keep why the session is over, when the console says so. */
export function noteOver(problem: Problem): void {
  useArrival.setState({ over: problem.why ? problem : null, last: null });
}

export function noteSignedIn(last: LastSignIn | null): void {
  useArrival.setState({ over: null, last });
}

export function forgetLast(): void {
  useArrival.setState({ last: null });
}
