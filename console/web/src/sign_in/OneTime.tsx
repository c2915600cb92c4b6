import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useChoosePassword, useOneTime } from "../api/session";
import { say, useLanguage, useText } from "../i18n";
import classes from "./SignIn.module.css";

export const ONE_TIME = "/one-time";

/** Opened by a one-time link: choose a password, then sign in with it. The token stands behind the #. */
export function OneTime() {
  const text = useText();
  const language = useLanguage();
  const [token] = useState(() => window.location.hash.slice(1));
  const link = useOneTime(token);
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const choose = useChoosePassword(token);
  const problem = choose.error?.problem ?? link.error?.problem;
  const differ = again !== "" && again !== password;
  const first = link.data?.kind === "setup";
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (again !== password) return;
    choose.mutate({ username: username.trim(), password }, { onSuccess: () => window.location.replace("/") });
  };
  return (
    <main className={classes.page}>
      <h1>streamgate{link.data === undefined || first ? "" : ` · ${link.data.user}`}</h1>
      {link.data !== undefined && (
        <>
          <span>{first ? text.signIn.first : text.signIn.choose}</span>
          <span>{text.signIn.rules}</span>
          <form onSubmit={save}>
            {first && (
              <TextInput
                label={text.signIn.user}
                value={username}
                onChange={(event) => setUsername(event.currentTarget.value)}
                autoComplete="username"
                spellCheck={false}
              />
            )}
            <TextInput
          type="password"
              label={text.signIn.password}
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              autoComplete="new-password"
            />
            <TextInput
          type="password"
              label={text.signIn.again}
              value={again}
              onChange={(event) => setAgain(event.currentTarget.value)}
              autoComplete="new-password"
              error={differ ? text.signIn.differ : null}
            />
            <Button
              type="submit"
              loading={choose.isPending}
              disabled={password === "" || again !== password || (first && username.trim() === "")}
            >
              {text.signIn.save}
            </Button>
          </form>
        </>
      )}
      <div className={classes.bad} role="alert">
        {problem === undefined ? "" : say(language, problem.error, problem.error_zh)}
      </div>
    </main>
  );
}
