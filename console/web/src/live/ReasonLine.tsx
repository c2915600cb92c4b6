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
        <UnstyledButton
          aria-label={`Esc ${text.reason.cancel}`}
          title={text.reason.cancel}
          aria-keyshortcuts="Escape"
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onAnswer(null)}
        >
          <Kbd size="xs">Esc</Kbd>
        </UnstyledButton>
      </div>
      <div className={classes.picks}>
        {text.reason.picks[asking].map((pick, index) => (
          <UnstyledButton
            key={pick}
            className={classes.pick}
            aria-keyshortcuts={String(index + 1)}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => onAnswer(pick)}
          >
            <Kbd size="xs">{index + 1}</Kbd> {pick}
          </UnstyledButton>
        ))}
      </div>
    </form>
  );
}
