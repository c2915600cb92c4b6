import { Button, Code, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useSignIn } from "../api/session";
import { say, useLanguage, useText } from "../i18n";
import classes from "./SignIn.module.css";

/** Shown to whoever has no session: how to get one. */
export function SignIn() {
  const text = useText();
  const language = useLanguage();
  const [token, setToken] = useState("");
  const signIn = useSignIn();
  const asked = new URLSearchParams(window.location.search).get("login");
  const fromLink = asked === "bad_token" || asked === "rate_limited" ? text.signIn[asked] : "";
  const enter = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate(token.trim());
  };
  return (
    <main className={classes.page}>
      <h1>streamgate · {text.signIn.title}</h1>
      <span>{text.signIn.how}</span>
      <Code fz="lg">streamgate console-link</Code>
      <form onSubmit={enter}>
        <TextInput
          label={text.signIn.token}
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
        />
        <Button type="submit" loading={signIn.isPending} disabled={token.trim() === ""}>
          {text.signIn.enter}
        </Button>
      </form>
      <div className={classes.bad} role="alert">
        {signIn.error === null ? fromLink : say(language, signIn.error.problem.error, signIn.error.problem.error_zh)}
      </div>
    </main>
  );
}
