import { TextInput } from "@mantine/core";
import { type FormEvent, useRef, useState } from "react";
import { useConfirmTotp } from "../api/account";
import type { TotpSecret } from "../api/types";
import { useText } from "../i18n";
import { CopyButton, FormButtons, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { useFocusFirst, useFocusOn } from "../ui/useFocusOn";
import classes from "./Account.module.css";

interface Props {
  made: TotpSecret;
  onConfirmed: (recoveryCodes: string[]) => void;
  onCancel?: (() => void) | undefined;
}

/** The secret for the code generator, as a QR code and in letters, and the code that proves that it arrived. */
export function FirstCode({ made, onConfirmed, onCancel }: Props) {
  const words = useText().account;
  const confirm = useConfirmTotp();
  const [missing, miss] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useFocusOn(confirm.error, { bad_totp: field });
  useFocusFirst(field);
  const send = (event: FormEvent) => {
    event.preventDefault();
    const code = field.current?.value.trim() ?? "";
    miss(code === "");
    if (code === "") field.current?.focus();
    else confirm.mutate(code, { onSuccess: (done) => onConfirmed(done.recovery_codes) });
  };
  return (
    <form className={classes.enrol} onSubmit={send} noValidate>
      <img className={classes.qr} src={made.qr} alt={words.qr} />
      <div className={classes.stack}>
        <p>{words.scan}</p>
        <div>
          <span className={page.dim}>{words.byHand}</span>
          <div className={page.row}>
            <code className={page.mono} data-testid="secret">
              {inGroups(made.secret)}
            </code>
            <CopyButton value={made.secret} label={words.secret} />
          </div>
          <a className={classes.link} href={made.uri}>
            {words.openApp}
          </a>
        </div>
        <TextInput
          ref={field}
          label={words.firstCode}
          autoComplete="one-time-code"
          inputMode="numeric"
          spellCheck={false}
          maxLength={16}
          error={missing ? words.codeMissing : confirm.error?.problem.code === "bad_totp"}
        />
        <ProblemLine error={confirm.error} />
        <div className={page.row}>
          <FormButtons label={words.confirm} busy={confirm.isPending} onCancel={onCancel} />
        </div>
      </div>
    </form>
  );
}

/** Four letters at a time are typed without a slip. */
function inGroups(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, "$1 ");
}
