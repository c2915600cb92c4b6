import { type FormEvent, type ReactNode, type RefObject, useId, useRef, useState } from "react";
import type { ProblemError } from "../api/http";
import { useText } from "../i18n";
import { FormButtons, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { SecretField } from "../ui/SecretField";
import { useFocusOn } from "../ui/useFocusOn";
import classes from "./Account.module.css";
import { breaksRule, judge } from "./passwordRules";
import { Rules } from "./Rules";

interface Props {
  /** For the password manager; null: the form has a field for it. */
  user: string | null;
  /** The person's own names, which the password may not hold. */
  names: string[];
  /** The person has had passwords before. */
  hasHad: boolean;
  labels: { password: string; again: string; save: string };
  busy: boolean;
  error: ProblemError | null;
  /** A field of `children` that is still empty. */
  missing: RefObject<HTMLInputElement | null> | null;
  onSave: (password: string) => void;
  onCancel?: () => void;
  children?: ReactNode;
}

/** The form that chooses a password, under the rules that it is held to. */
export function NewPassword({ user, names, hasHad, labels, busy, error, missing, onSave, onCancel, children }: Props) {
  const text = useText();
  const rules = useId();
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [tried, tryIt] = useState(false);
  const passwordField = useRef<HTMLInputElement>(null);
  const againField = useRef<HTMLInputElement>(null);
  const judged = judge(password, names);
  const bad = breaksRule(judged);
  const differ = again !== password;
  useFocusOn(error, { weak_password: passwordField });
  const save = (event: FormEvent) => {
    event.preventDefault();
    tryIt(true);
    if (missing !== null) missing.current?.focus();
    else if (bad) passwordField.current?.focus();
    else if (differ) againField.current?.focus();
    else onSave(password);
  };
  return (
    <form className={classes.stack} onSubmit={save} noValidate>
      {user !== null && <input type="text" autoComplete="username" value={user} readOnly hidden />}
      {children}
      <Rules id={rules} judged={judged} tried={tried} hasHad={hasHad} />
      <SecretField
        ref={passwordField}
        label={labels.password}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        autoComplete="new-password"
        aria-describedby={rules}
        error={(tried && bad) || error?.problem.code === "weak_password"}
      />
      <SecretField
        ref={againField}
        label={labels.again}
        value={again}
        onChange={(event) => setAgain(event.currentTarget.value)}
        autoComplete="new-password"
        error={differ && (again !== "" || (tried && !bad)) ? text.account.differ : null}
      />
      <ProblemLine error={error} />
      <div className={page.row}>
        <FormButtons label={labels.save} busy={busy} onCancel={onCancel} />
      </div>
    </form>
  );
}
