import { Kbd, UnstyledButton } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useChange } from "../api/channels";
import { dataOf, http } from "../api/http";
import { useText } from "../i18n";
import { INCIDENTS } from "../incidents/useIncidents";
import { ProblemLine } from "../ui/Page";
import classes from "./ReasonLine.module.css";

const MOST = 500;
/** So long it says that the note is taken, then it goes by itself. */
const DONE_MS = 2_500;

/**
 * Takes a note on what is going on (key N): Enter sends it, Escape leaves. It takes the focus, since whoever notes wants
 * to write; the cut key stays beside it for the pointer.
 */
export function NoteLine({ channel, note }: { channel: string; note: (open: boolean) => void }) {
  const text = useText();
  const words = text.incidents;
  const [typed, type] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const noting = useChange(
    (said: string) => dataOf(http.POST("/api/v1/channels/{channel}/note", { params: { path: { channel } }, body: { text: said } })),
    INCIDENTS,
  );
  const { isSuccess } = noting;
  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    if (!isSuccess) return undefined;
    const timer = window.setTimeout(() => note(false), DONE_MS);
    return () => window.clearTimeout(timer);
  }, [isSuccess, note]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() === "" || noting.isPending) return;
    noting.mutate(typed.trim());
    field.current?.blur(); // the next key is one of the desk's again
  };
  return (
    <form className={classes.line} onSubmit={submit} data-testid="note" aria-label={words.noteKey}>
      <div className={classes.head}>
        <label className={classes.own}>
          <output>{isSuccess ? words.noted : words.noteKey}</output>
          {!isSuccess && (
            <input
              ref={field}
              value={typed}
              maxLength={MOST}
              placeholder={words.noteText}
              aria-label={words.noteText}
              onChange={(event) => type(event.currentTarget.value)}
              onKeyDown={(event) => event.key === "Escape" && note(false)}
            />
          )}
        </label>
        <UnstyledButton aria-label={`Esc ${text.reason.cancel}`} title={text.reason.cancel} aria-keyshortcuts="Escape" onClick={() => note(false)}>
          <Kbd size="xs">Esc</Kbd>
        </UnstyledButton>
      </div>
      <ProblemLine error={noting.error} />
    </form>
  );
}
