import type { Problem } from "../api/types";
import { say, useLanguage } from "../i18n";

/** The console's sentence in the language in force. */
export function ProblemText({ problem }: { problem: Pick<Problem, "error" | "error_zh"> }) {
  return say(useLanguage(), problem.error, problem.error_zh);
}
