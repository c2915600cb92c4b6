import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useSession, useSignIn } from "../api/session";
import { useConsole } from "../api/store";
import { say, useLanguage, useText } from "../i18n";
import classes from "./SignInAgain.module.css";

/** The code follows the password: whoever typed that goes on typing. */
function focusOn(field: HTMLInputElement | null): void {
  field?.focus();
}

/**
 * Stands where the keys were that somebody idle has lost, beside the cut key: who it was, and the way back. It takes no
 * focus by itself: cut stays one key.
 */
export function SignInAgain() {
  const text = useText();
  const language = useLanguage();
  const user = useConsole((state) => state.user);
  const [username, setUsername] = useState(user);
  const [password, setPassword] = useState("");
  const [totp, setTotp] = useState("");
  const [wantsTotp, wantTotp] = useState(false);
  const minutes = Math.round((useSession().data?.idle_after_s ?? 0) / 60);
  const signIn = useSignIn();
  const problem = signIn.error?.problem;
  const enter = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate(
      { username: username.trim(), password, totp: wantsTotp ? totp.trim() : null },
      { onError: (error) => error.problem.code === "totp_needed" && wantTotp(true) },
    );
  };
  return (
    <form className={classes.again} onSubmit={enter} aria-label={text.live.again} data-testid="again">
      <p className={classes.who}>
        <b>{text.live.wasHere(user, minutes)}</b> {problem === undefined && text.live.idleStill}
      </p>
      <div className={classes.fields}>
        {wantsTotp ? (
          <TextInput
            size="xs"
            ref={focusOn}
            label={text.signIn.totp}
            value={totp}
            onChange={(event) => setTotp(event.currentTarget.value)}
            autoComplete="one-time-code"
          />
        ) : (
          <>
            <TextInput
              size="xs"
              label={text.signIn.user}
              value={username}
              onChange={(event) => setUsername(event.currentTarget.value)}
              autoComplete="username"
              spellCheck={false}
            />
            <TextInput
              size="xs"
              type="password"
              label={text.signIn.password}
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              autoComplete="current-password"
            />
          </>
        )}
        <Button
          size="xs"
          type="submit"
          loading={signIn.isPending}
          disabled={username.trim() === "" || password === ""}
        >
          {text.signIn.enter}
        </Button>
      </div>
      <p className={classes.bad} role="alert">
        {problem === undefined ? "" : say(language, problem.error, problem.error_zh)}
      </p>
    </form>
  );
}
