import { Kbd, UnstyledButton } from "@mantine/core";
import { type FormEvent, type RefObject, useState } from "react";
import { useText } from "../i18n";
import classes from "./ReasonLine.module.css";
import { type Asking, OWN_WORDS } from "./useDeck";

const MOST = 500;

interface Props {
  asking: Asking;
  onAnswer: (reason: string | null) => void;
  ownWords: RefObject<HTMLInputElement | null>;
}

/**
 * Asks why, beside the cut key: a digit picks, 0 leads to the text, Enter sends it, Escape leaves. It takes no focus by
 * itself: cut stays one key.
 */
export function ReasonLine({ asking, onAnswer, ownWords }: Props) {
  const text = useText();
  const [typed, type] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() !== "") onAnswer(typed.trim());
  };
  return (
    <form className={classes.line} onSubmit={submit} data-testid="reason" aria-label={text.reason[asking]}>
      <div className={classes.head}>
        <output>{text.reason[asking]}</output>
        <Pick letter="Esc" onPick={() => onAnswer(null)}>
          {text.reason.cancel}
        </Pick>
      </div>
      <div className={classes.picks}>
        {text.reason.picks[asking].map((pick, index) => (
          <Pick key={pick} letter={String(index + 1)} onPick={() => onAnswer(pick)}>
            {pick}
          </Pick>
        ))}
      </div>
      <label className={classes.own}>
        <Kbd size="xs">{OWN_WORDS}</Kbd>
        <input
          ref={ownWords}
          value={typed}
          maxLength={MOST}
          placeholder={text.reason.text}
          aria-label={text.reason.text}
          onChange={(event) => type(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Escape" && onAnswer(null)}
        />
      </label>
    </form>
  );
}

function Pick({ letter, onPick, children }: { letter: string; onPick: () => void; children: string }) {
  return (
    <UnstyledButton
      className={classes.pick}
      aria-keyshortcuts={letter === "Esc" ? "Escape" : letter}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onPick}
    >
      <Kbd size="xs">{letter}</Kbd> {children}
    </UnstyledButton>
  );
}
