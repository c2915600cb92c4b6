import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useSignIn } from "../api/session";
import { say, useLanguage, useText } from "../i18n";
import classes from "./SignIn.module.css";

/** Shown to whoever has no session. The second factor is asked for when the console wants it. */
export function SignIn() {
  const text = useText();
  const language = useLanguage();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [totp, setTotp] = useState("");
  const [wantsTotp, wantTotp] = useState(false);
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
    <main className={classes.page}>
      <h1>streamgate · {text.signIn.title}</h1>
      <form onSubmit={enter}>
        <TextInput
          label={text.signIn.user}
          value={username}
          onChange={(event) => setUsername(event.currentTarget.value)}
          autoComplete="username"
          spellCheck={false}
        />
        <TextInput
          type="password"
          label={text.signIn.password}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
        />
        {wantsTotp && (
          <TextInput
            label={text.signIn.totp}
            value={totp}
            onChange={(event) => setTotp(event.currentTarget.value)}
            autoComplete="one-time-code"
          />
        )}
        <Button type="submit" loading={signIn.isPending} disabled={username.trim() === "" || password === ""}>
          {text.signIn.enter}
        </Button>
      </form>
      <div className={classes.bad} role="alert">
        {problem === undefined ? "" : say(language, problem.error, problem.error_zh)}
      </div>
    </main>
  );
}
