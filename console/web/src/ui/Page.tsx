/** Parts that screens share: problems in words, states of a question, and undo. */
import { Button, Loader } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { dataOf, http, ProblemError, queries } from "../api/http";
import type { Problem } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import classes from "./Page.module.css";

/** What the server says of a failure, in the language in force. */
export function ProblemLine({ error }: { error: unknown }) {
  const language = useLanguage();
  if (error === null || error === undefined) return null;
  const problem = error instanceof ProblemError ? error.problem : { error: String(error), error_zh: "" };
  return (
    <p className={classes.bad} role="alert">
      {say(language, problem.error, problem.error_zh)}
    </p>
  );
}

/** A change that is stored and that the gate has not taken over yet. */
export function NotInForce({ problem }: { problem: Problem | null | undefined }) {
  const text = useText();
  const language = useLanguage();
  if (!problem) return null;
  return (
    <p className={classes.warn} role="alert">
      {text.shared.notInForce} {say(language, problem.error, problem.error_zh)}
    </p>
  );
}

interface Asked {
  isPending: boolean;
  error: unknown;
  data: unknown;
  refetch: () => unknown;
}

/** Loading and failed states of a question, or its answer; an answer that could not be renewed says that it is old. */
export function Answer({ asked, children }: { asked: Asked; children: ReactNode }) {
  const text = useText();
  if (asked.isPending) {
    return (
      <output className={classes.blank} style={{ display: "block" }}>
        <Loader size="sm" color="gray" />
      </output>
    );
  }
  return (
    <>
      {asked.error !== null && (
        <div className={classes.card} style={{ marginBottom: 12 }}>
          {asked.data !== undefined && <p className={classes.warn}>{text.shared.stale}</p>}
          <ProblemLine error={asked.error} />
          <Button size="xs" variant="default" mt={8} onClick={() => void asked.refetch()}>
            {text.shared.again}
          </Button>
        </div>
      )}
      {asked.data !== undefined && children}
    </>
  );
}

interface Ends {
  label: string;
  busy: boolean;
  disabled?: boolean;
  /** Without it the form has no way back. */
  onCancel?: (() => void) | undefined;
}

/** The two ways out of a form: send it, or leave it. */
export function FormButtons({ label, busy, disabled = false, onCancel }: Ends) {
  const text = useText();
  return (
    <>
      <Button type="submit" loading={busy} disabled={disabled}>
        {label}
      </Button>
      {onCancel !== undefined && (
        <Button variant="default" onClick={onCancel}>
          {text.shared.cancel}
        </Button>
      )}
    </>
  );
}

export interface Undoable {
  undo: string;
  what: string;
}

/** The line that takes back the last removal; `done` is called when something was put back. */
export function UndoBar({ removed, onGone }: { removed: Undoable | null; onGone: () => void }) {
  const text = useText();
  const back = useMutation<unknown, ProblemError, string>({
    mutationFn: (undo) => dataOf(http.POST("/api/v1/undo/{undo}", { params: { path: { undo } } })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["channels"] });
      onGone();
    },
  });
  const [shown, show] = useState(removed);
  if (shown !== removed) {
    show(removed);
    back.reset();
  }
  useEffect(() => {
    if (removed === null) return undefined;
    const timer = window.setTimeout(onGone, UNDO_SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [removed, onGone]);
  return (
    <div aria-live="polite">
      {removed !== null && (
        <div className={classes.bar} data-testid="undo">
          <span>{text.shared.removed(removed.what)}</span>
          <Button size="xs" variant="default" loading={back.isPending} onClick={() => back.mutate(removed.undo)}>
            {text.shared.undo}
          </Button>
          <ProblemLine error={back.error} />
        </div>
      )}
    </div>
  );
}

/** The server keeps it for 5 minutes. */
const UNDO_SHOWN_MS = 290_000;

/** A button that puts a text on the clipboard and says so. */
export function CopyButton({ value, label }: { value: string; label: string }) {
  const text = useText();
  const [copied, setCopied] = useState<boolean | null>(null);
  const copy = () =>
    void copyText(value).then((done) => {
      setCopied(done);
      window.setTimeout(() => setCopied(null), 2_000);
      return done;
    });
  return (
    <Button size="xs" variant="default" onClick={copy} aria-label={`${text.shared.copy}: ${label}`}>
      <span aria-live="polite">
        {copied === null ? text.shared.copy : copied ? text.shared.copied : text.shared.notCopied}
      </span>
    </Button>
  );
}

/** Browsers give the clipboard to pages over HTTPS or on loopback only; elsewhere the old way still works. */
async function copyText(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = value;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
