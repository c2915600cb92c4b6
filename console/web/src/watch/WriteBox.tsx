import { type FormEvent, type KeyboardEvent, useContext, useRef, useState } from "react";
import { countChars, type Draft, type Flaw, flawOf, freshName, isBullet, nameDraft, NICKNAME_CHARS } from "./draft";
import type { Interaction } from "../feed/wire";
import type { Me } from "./hooks";
import type { Language } from "./kept";
import { useSecondsLeft } from "./useSecondsLeft";
import { enter, type Refusal, send, type Sent } from "./viewer";
import { LanguageContext, useWords, type Words } from "./words";
import styles from "./WriteBox.module.css";

const MOST_CHARS = 200;
const SLOW_S = 3;

type Said = { tone: "good"; text: string } | { tone: "bad"; text: string } | null;

interface Props {
  channel: string;
  me: Me;
  open: Interaction;
  /** When the moment aired that the viewer sees now. */
  seenAt: () => number | null;
}

/** Where a viewer writes. What cannot be sent says why, and stays in the box. */
export function WriteBox({ channel, me, open, seenAt }: Props) {
  const words = useWords();
  const language = useContext(LanguageContext);
  const [text, setText] = useState("");
  const [nickname, setNickname] = useState<string | null>(null);
  const [wanted, setWanted] = useState(false);
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<Said>(null);
  const [until, setUntil] = useState(0);
  const box = useRef<HTMLTextAreaElement>(null);
  const draft = useRef<Draft | null>(null);
  const wait = useSecondsLeft(until);
  const most = me.viewer?.maxChars ?? MOST_CHARS;
  const length = countChars(text);
  const bullet = isBullet(wanted, open);
  const name = nickname ?? me.viewer?.nickname ?? "";

  const submit = async (): Promise<void> => {
    if (busy) return;
    const flaw = flawOf(text, most, until, performance.now());
    const tooLong = countChars(name) > NICKNAME_CHARS;
    if (flaw !== null || tooLong) {
      setSaid({ tone: "bad", text: flaw === null ? words.flaw.nickname(NICKNAME_CHARS) : flawText(words, flaw) });
      return;
    }
    const next = nameDraft(draft.current, { text: text.trim(), bullet, seenAt: seenAt() }, freshName);
    draft.current = next;
    setBusy(true);
    setSaid(null);
    me.change({ type: "sent", clientId: next.clientId, text: next.text });
    const sent = await sendAs(channel, me, name.trim(), next);
    setBusy(false);
    if (sent.ok) {
      me.change({ type: "accepted", clientId: next.clientId, id: sent.id, state: sent.state });
      draft.current = null;
      setText("");
      setNickname(null); // from now on as the server has it
      setUntil(performance.now() + (me.viewer?.slowS ?? SLOW_S) * 1_000);
      setSaid({ tone: "good", text: words.accepted });
    } else {
      me.change({ type: "refused", clientId: next.clientId });
      if (sent.why.waitS !== null) setUntil(performance.now() + sent.why.waitS * 1_000);
      setSaid({ tone: "bad", text: refusalText(words, language, sent.why) });
    }
    box.current?.focus();
  };
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    void submit();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return; // an input method's Enter chooses a word
    event.preventDefault();
    void submit();
  };

  return (
    <form className={styles.box} onSubmit={onSubmit} aria-label={words.write} noValidate>
      <input
        className={styles.nickname}
        value={name}
        placeholder={me.viewer?.shownAs || words.nicknameHint}
        aria-label={words.nicknameHint}
        autoComplete="off"
        onChange={(event) => setNickname(event.currentTarget.value)}
      />
      {open.bullets && <Kinds comments={open.comments} bullet={bullet} choose={setWanted} />}
      <div className={styles.line}>
        <textarea
          ref={box}
          className={styles.text}
          rows={1}
          value={text}
          placeholder={words.writeHint}
          aria-label={words.write}
          aria-describedby="count said"
          aria-invalid={length > most}
          enterKeyHint="send"
          readOnly={busy}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKey}
        />
        <button type="submit" className={styles.send} aria-disabled={busy || wait > 0 || length === 0 || length > most}>
          {busy ? words.sending : wait > 0 ? words.sendIn(wait) : words.send}
        </button>
      </div>
      <p className={styles.under}>
        <output id="said" className={styles.said} data-tone={said?.tone ?? "none"}>
          {said?.text ?? words.notice}
        </output>
        <span id="count" className={styles.count} data-over={length > most}>
          {words.count(length, most)}
        </span>
      </p>
    </form>
  );
}

/** Where it is to be shown: in the list alone, or across the picture, too. What is closed cannot be chosen. */
function Kinds({ comments, bullet, choose }: { comments: boolean; bullet: boolean; choose: (bullet: boolean) => void }) {
  const words = useWords();
  return (
    <div className={styles.kinds} role="radiogroup" aria-label={words.kind.label}>
      {(comments ? [false, true] : [true]).map((which) => (
        <label key={String(which)} className={styles.kind} title={which ? words.kind.hint : undefined}>
          <input type="radio" name="kind" checked={bullet === which} onChange={() => choose(which)} />
          {which ? words.kind.bullet : words.kind.comment}
        </label>
      ))}
    </div>
  );
}

/** Sends a comment, as somebody the server knows: a new nickname, or a cookie that has ended, is seen to first. */
async function sendAs(channel: string, me: Me, nickname: string, draft: Draft): Promise<Sent> {
  const arrive = async (): Promise<Refusal | null> => {
    const entered = await enter(channel, nickname);
    if (!entered.ok) return entered.why;
    me.setViewer(entered.viewer);
    return null;
  };
  if (me.viewer === null || !me.viewer.known || me.viewer.nickname !== nickname) {
    const why = await arrive();
    if (why !== null) return { ok: false, why };
  }
  const sent = await send(channel, draft);
  if (sent.ok || sent.why.code !== "no_viewer") return sent;
  const why = await arrive();
  return why === null ? send(channel, draft) : { ok: false, why };
}

function flawText(words: Words, flaw: Flaw): string {
  switch (flaw.kind) {
    case "empty":
      return words.flaw.empty;
    case "too_long":
      return words.flaw.too_long(flaw.over);
    case "wait":
      return words.flaw.wait(flaw.seconds);
  }
}

function refusalText(words: Words, language: Language, why: Refusal): string {
  if (why.code === "unreachable") return words.refused.unreachable;
  return (language === "zh" ? why.errorZh : why.error) || words.refused.failed;
}
