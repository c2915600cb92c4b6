import { Kbd, UnstyledButton } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useText } from "../i18n";
import classes from "./ReasonLine.module.css";
import type { Asking } from "./useDeck";

/** Asks why, where the notice else stands: a digit picks, text goes with Enter, Escape leaves. It takes no focus: cut stays one key. */
export function ReasonLine({ asking, onAnswer }: { asking: Asking; onAnswer: (reason: string | null) => void }) {
  const text = useText();
  const [typed, type] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() !== "") onAnswer(typed.trim());
  };
  return (
    <form className={classes.line} onSubmit={submit} data-testid="reason" aria-label={text.reason[asking]}>
      <b>{text.reason[asking]}</b>
      {text.reason.picks[asking].map((pick, index) => (
        <UnstyledButton key={pick} className={classes.pick} onClick={() => onAnswer(pick)}>
          <Kbd size="xs">{index + 1}</Kbd> {pick}
        </UnstyledButton>
      ))}
      <input
        value={typed}
        maxLength={500}
        placeholder={text.reason.text}
        aria-label={text.reason.text}
        onChange={(event) => type(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && onAnswer(null)}
      />
      <UnstyledButton className={classes.pick} onClick={() => onAnswer(null)}>
        {text.reason.cancel}
      </UnstyledButton>
    </form>
  );
}
