import type { Notice } from "../api/reducer";
import { askedBy } from "../api/press";
import { useConsole } from "../api/store";
import type { ChannelStatus, Command, WaitingRestore } from "../api/types";
import { type Language, say, type Strings, useLanguage, useText } from "../i18n";
import { person } from "../ui/format";
import { useNow } from "../ui/useNow";

const GOOD_MS = 6_000;
const BAD_MS = 15_000;
/** So long a refusal stands before a request that waits for a second person. */
const BAD_FIRST_MS = 4_000;

interface Props {
  className: string | undefined;
  /** The channel whose requests are told here, too. */
  channel?: ChannelStatus;
}

/**
 * What became of the last command, at one fixed place: empty, under way, done in so many ms, or refused and why. While a
 * restore waits for a second person that stands here, for everybody.
 */
export function NoticeLine({ className, channel }: Props) {
  const text = useText();
  const language = useLanguage();
  const pending = useConsole((state) => state.pending);
  const notice = useConsole((state) => state.notice);
  const user = useConsole((state) => state.user);
  const receivedAt = useConsole((state) => state.receivedAt);
  const now = useNow(250);
  const [asked] = Object.values(pending);
  const waiting = channel?.waiting_restore;
  const left = waiting ? waiting.lapses_in_s - (now - receivedAt) / 1000 : 0;
  const age = notice === null ? Infinity : now - notice.at;
  const refused = notice?.outcome.ok === false;
  let tone = "none";
  let words = "";
  let countdown = "";
  if (asked !== undefined) {
    tone = "wait";
    words = text.notice.sending(text.commands[asked.cmd]);
  } else if (waiting && left > 0 && !(refused && age < BAD_FIRST_MS)) {
    tone = "asks";
    words = asksWords(waiting, askedBy(channel, user) === "me", text);
    countdown = text.live.within(Math.ceil(left));
  } else if (notice !== null && age < (refused ? BAD_MS : GOOD_MS)) {
    tone = refused ? "bad" : "good";
    words = wordsOf(notice, text, language);
  }
  return (
    <div className={className} data-tone={tone} data-testid="notice" title={words}>
      <output>{words}</output>
      {/* Read aloud once, not every second. */}
      {countdown !== "" && <time aria-hidden>{countdown}</time>}
    </div>
  );
}

function asksWords({ actor, what, reason }: WaitingRestore, mine: boolean, text: Strings): string {
  const cmd = text.commands[what as Command];
  if (mine) return what === "restore" ? text.live.youAsked(reason) : text.live.youAskedFor(cmd, reason);
  return what === "restore" ? text.live.asks(person(actor), reason) : text.live.asksFor(person(actor), cmd, reason);
}

function wordsOf({ cmd, outcome }: Notice, text: Strings, language: Language): string {
  const seconds = outcome.ok ? outcome.seconds : undefined;
  const name = text.commands[cmd] + (seconds === undefined ? "" : ` ${text.conveyor.seconds(seconds)}`);
  if (outcome.ok && outcome.waits) return text.live.waits(name);
  if (outcome.ok) {
    return outcome.tookMs === null ? text.notice.doneNoTime(name) : text.notice.done(name, outcome.tookMs.toFixed(1));
  }
  const { why } = outcome;
  const reason = why.from === "page" ? text.reasons[why.reason] : say(language, why.error, why.error_zh);
  return text.notice.refused(name, reason);
}
