import { type Language, say, type Strings, useLanguage, useText } from "../i18n";
import { useNow } from "../ui/useNow";
import classes from "./Foot.module.css";
import type { Notice } from "./state";
import { useReview } from "./useDesk";

const GOOD_MS = 5_000;
const BAD_MS = 12_000;

/** What became of the last act, at one fixed place. */
export function NoticeLine() {
  const words = useText().review;
  const language = useLanguage();
  const notice = useReview((state) => state.notice);
  const now = useNow(500);
  const isOld = notice === null || now - notice.atMs > (notice.tone === "good" ? GOOD_MS : BAD_MS);
  return (
    <output className={classes.notice} data-tone={isOld ? "none" : notice.tone} data-testid="notice">
      {!isOld && `${notice.tone === "good" ? "✓" : "⚠"} ${sentenceOf(notice.said, words, language)}`}
    </output>
  );
}

function sentenceOf(said: Notice["said"], words: Strings["review"], language: Language): string {
  if ("page" in said) return words.bars[said.page];
  if ("error" in said) return say(language, said.error, said.error_zh);
  if ("term" in said) return words.term.added(said.term);
  if ("trusted" in said) return said.trusted ? words.author.trustedDone : words.author.untrustedDone;
  if ("banned" in said) return said.banned === "" ? words.author.liftedDone : words.author.bannedDone(said.banned);
  if (said.count > 1 || said.text === "") return words.saidMany(words.done[said.verb], said.count);
  return words.said(words.done[said.verb], said.text);
}
