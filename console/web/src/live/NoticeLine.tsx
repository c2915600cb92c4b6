import type { Notice } from "../api/reducer";
import { useConsole } from "../api/store";
import { type Language, say, type Strings, useLanguage, useText } from "../i18n";
import { useNow } from "../ui/useNow";

const GOOD_MS = 6_000;
const BAD_MS = 15_000;

/** What became of the last command, at one fixed place: empty, under way, done in so many ms, or refused and why. */
export function NoticeLine({ className }: { className: string | undefined }) {
  const text = useText();
  const language = useLanguage();
  const pending = useConsole((state) => state.pending);
  const notice = useConsole((state) => state.notice);
  const now = useNow(250);
  const [asked] = Object.values(pending);
  let tone = "none";
  let words = "";
  if (asked !== undefined) {
    tone = "wait";
    words = text.notice.sending(text.commands[asked.cmd]);
  } else if (notice !== null && now - notice.at < (notice.outcome.ok ? GOOD_MS : BAD_MS)) {
    tone = notice.outcome.ok ? "good" : "bad";
    words = wordsOf(notice, text, language);
  }
  return (
    <output className={className} data-tone={tone} data-testid="notice" title={words}>
      <span>{words}</span>
    </output>
  );
}

function wordsOf({ cmd, outcome }: Notice, text: Strings, language: Language): string {
  const name = text.commands[cmd];
  if (outcome.ok) {
    return outcome.tookMs === null ? text.notice.doneNoTime(name) : text.notice.done(name, outcome.tookMs.toFixed(1));
  }
  const { why } = outcome;
  const reason = why.from === "page" ? text.reasons[why.reason] : say(language, why.error, why.error_zh);
  return text.notice.refused(name, reason);
}
