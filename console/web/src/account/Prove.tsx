import type { FormEvent } from "react";
import type { ProblemError } from "../api/http";
import { useText } from "../i18n";
import { FormButtons, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import classes from "./Account.module.css";
import { PresentPassword, usePresentPassword } from "./PresentPassword";

interface Props {
  user: string;
  /** What the button says. */
  does: string;
  busy: boolean;
  error: ProblemError | null;
  onProve: (password: string) => void;
  onCancel?: (() => void) | undefined;
}

/** Asks for the password before a change of how one signs in. */
export function Prove({ user, does, busy, error, onProve, onCancel }: Props) {
  const text = useText();
  const present = usePresentPassword(error);
  const prove = (event: FormEvent) => {
    event.preventDefault();
    if (present.missing !== null) present.missing.current?.focus();
    else onProve(present.value);
  };
  return (
    <form className={classes.stack} onSubmit={prove} noValidate>
      <p className={page.dim} style={{ margin: 0 }}>
        {text.account.prove}
      </p>
      <input type="text" autoComplete="username" value={user} readOnly hidden />
      <PresentPassword present={present} />
      <ProblemLine error={error} />
      <div className={page.row}>
        <FormButtons label={does} busy={busy} onCancel={onCancel} />
      </div>
    </form>
  );
}
