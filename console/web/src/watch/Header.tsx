import { useState } from "react";
import type { Interaction } from "../feed/wire";
import type { Choices } from "./kept";
import styles from "./Header.module.css";
import { useWords } from "./words";

interface Props {
  channel: string;
  onAir: boolean;
  open: Interaction;
  choices: Choices;
  choose: (change: Partial<Choices>) => void;
}

/** What is watched, and the viewer's switches. */
export function Header({ channel, onAir, open, choices, choose }: Props) {
  const words = useWords();
  const other = choices.language === "zh" ? "en" : "zh";
  return (
    <header className={styles.header}>
      <h1 className={styles.title}>
        <bdi>{channel}</bdi>
        {onAir && <span className={styles.live}>{words.live}</span>}
      </h1>
      <div className={styles.switches}>
        <button
          type="button"
          className={styles.switch}
          aria-pressed={choices.bullets && open.bullets}
          disabled={!open.bullets}
          title={open.bullets ? undefined : words.bulletsClosed}
          onClick={() => choose({ bullets: !choices.bullets })}
        >
          {words.bullets}
        </button>
        <button
          type="button"
          className={styles.switch}
          aria-pressed={choices.comments}
          onClick={() => choose({ comments: !choices.comments })}
        >
          {words.comments}
        </button>
        {open.sharing && <Share />}
        <button
          type="button"
          className={styles.plain}
          lang={other === "zh" ? "zh-CN" : "en"}
          title={words.languageLabel}
          onClick={() => choose({ language: other })}
        >
          {words.language}
        </button>
      </div>
    </header>
  );
}

type Shared = "no" | "copied" | "by_hand";

/** Hands the page's address on: by what the device has for that, else copied, else to copy by hand. */
function Share() {
  const words = useWords();
  const [shared, setShared] = useState<Shared>("no");
  const address = `${window.location.origin}${window.location.pathname}`;
  const share = async (): Promise<void> => setShared(shared === "no" ? await handOn(address) : "no");
  return (
    <>
      <button type="button" className={styles.plain} aria-expanded={shared === "by_hand"} onClick={() => void share()}>
        {words.share}
      </button>
      <output className={styles.copied}>{shared === "copied" && words.shareCopied}</output>
      {shared === "by_hand" && (
        <input
          className={styles.address}
          aria-label={words.shareAddress}
          value={address}
          readOnly
          onFocus={(event) => event.currentTarget.select()}
        />
      )}
    </>
  );
}

/** Without HTTPS a browser has neither of both. */
async function handOn(address: string): Promise<Shared> {
  if ("share" in navigator) {
    try {
      await navigator.share({ url: address });
      return "no";
    } catch (error) {
      if (isAbort(error)) return "no";
    }
  }
  try {
    await navigator.clipboard.writeText(address);
    return "copied";
  } catch {
    return "by_hand";
  }
}

/** The viewer changed the mind. */
function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
