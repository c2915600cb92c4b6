/** The console's HTTP interface, typed by its OpenAPI document, and the one cache of what it answered. */
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import createClient from "openapi-fetch";
import type { paths } from "../../generated/api";
import type { Problem } from "./types";

export const http = createClient<paths>({ baseUrl: window.location.origin });

export const SESSION_KEY = ["session"];

/** Answers that say that the session is no longer what the page takes it for. */
const SESSION_CHANGED = new Set(["no_session", "password_expired", "totp_setup"]);

function lookAgain(error: unknown): void {
  if (!(error instanceof ProblemError) || !SESSION_CHANGED.has(error.problem.code)) return;
  void queries.invalidateQueries({ queryKey: SESSION_KEY });
}

// "always": a console on this machine answers without any network.
export const queries = new QueryClient({
  queryCache: new QueryCache({ onError: lookAgain }),
  mutationCache: new MutationCache({ onError: lookAgain }),
  defaultOptions: { queries: { networkMode: "always", refetchOnWindowFocus: false }, mutations: { networkMode: "always" } },
});

const UNREACHABLE: Problem = {
  code: "unreachable",
  error: "The console cannot be reached.",
  error_zh: "无法连接控制台。",
};

/** What went wrong, in the server's words; a network that fails and a body that is none of ours get words of our own. */
export class ProblemError extends Error {
  readonly problem: Problem;
  readonly status: number;
  /** Seconds until another try makes sense; 0: now. */
  readonly waitS: number;

  constructor(said: unknown, status: number, waitS = 0) {
    const problem = isProblem(said) ? said : { ...UNREACHABLE, error: `${UNREACHABLE.error} (${status})` };
    super(problem.error);
    this.problem = problem;
    this.status = status;
    this.waitS = waitS;
  }
}

function isProblem(said: unknown): said is Problem {
  return typeof said === "object" && said !== null && "error_zh" in said;
}

/** The data of an answer. Throws ProblemError when there is none. */
export async function dataOf<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let answer: { data?: T; error?: unknown; response: Response };
  try {
    answer = await asked;
  } catch {
    throw new ProblemError(UNREACHABLE, 0);
  }
  if (answer.data === undefined) {
    const { status, headers } = answer.response;
    throw new ProblemError(answer.error, status, Number(headers.get("retry-after") ?? 0));
  }
  return answer.data;
}
