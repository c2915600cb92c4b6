import { Button, TextInput, UnstyledButton } from "@mantine/core";
import { type FormEvent, type RefObject, useRef, useState } from "react";
import type { ProblemError } from "../api/http";
import { useSignIn } from "../api/session";
import { useText } from "../i18n";
import { ProblemLine } from "../ui/Page";
import { SecretField } from "../ui/SecretField";
import { useFocusFirst, useFocusOn } from "../ui/useFocusOn";
import { useNow } from "../ui/useNow";
import classes from "./SignIn.module.css";
import { forgetWelcome } from "./welcome";
import { secondsLeft } from "./wait";

type Missing = "user" | "password" | "code";

interface Props {
  /** Whose name stands in the field at first. */
  user?: string;
  onDone?: () => void;
}

/**
 * Name and password, then the code when the console asks for it. The fields are read when the form is sent: what a
 * password manager fills in counts, too.
 */
export function SignInForm({ user = "", onDone }: Props) {
  const text = useText().signIn;
  const [given, give] = useState<{ username: string; password: string } | null>(null);
  const [recovery, setRecovery] = useState(false);
  const [missing, miss] = useState<Missing | null>(null);
  const nameField = useRef<HTMLInputElement>(null);
  const passwordField = useRef<HTMLInputElement>(null);
  const codeField = useRef<HTMLInputElement>(null);
  const signIn = useSignIn();
  const { wait, note } = useWait();
  const asksForCode = given !== null;
  const fields = { user: nameField, password: passwordField, code: codeField };
  useFocusOn(signIn.error, { bad_credentials: passwordField, bad_totp: codeField });

  const failed = (error: ProblemError, tried: { username: string; password: string }) => {
    note(error);
    const { code } = error.problem;
    if (code === "totp_needed") give(tried);
    else if (code === "bad_credentials" || code === "account_disabled") give(null);
  };
  const enter = (event: FormEvent) => {
    event.preventDefault();
    const value = (field: typeof nameField) => field.current?.value ?? "";
    const tried = given ?? { username: value(nameField).trim(), password: value(passwordField) };
    const code = value(codeField).trim();
    const lacking = firstMissing(tried, asksForCode ? code : null);
    miss(lacking);
    if (lacking !== null) {
      fields[lacking].current?.focus();
      return;
    }
    const body = { ...tried, totp: asksForCode ? code : null };
    signIn.mutate(body, {
      onError: (error) => failed(error, tried),
      onSuccess: () => {
        forgetWelcome();
        onDone?.();
      },
    });
  };
  const error = signIn.error?.problem.code === "totp_needed" ? null : signIn.error;
  return (
    <form className={classes.form} onSubmit={enter} noValidate>
      {given === null ? (
        <NameAndPassword
          name={nameField}
          password={passwordField}
          user={user}
          missing={missing}
          wrong={error?.problem.code === "bad_credentials"}
        />
      ) : (
        <>
          <p className={classes.as}>{text.as(given.username)}</p>
          <Code
            key={String(recovery)}
            code={codeField}
            recovery={recovery}
            missing={missing}
            wrong={error?.problem.code === "bad_totp"}
          />
        </>
      )}
      <Button type="submit" loading={signIn.isPending} disabled={wait > 0}>
        {wait > 0 ? text.wait(wait) : text.enter}
      </Button>
      <div className={classes.problem}>
        <ProblemLine error={error} />
        {error?.problem.code === "rate_limited" && <Waiting wait={wait} asked={error.waitS} />}
      </div>
      {asksForCode && (
        <div className={classes.ways}>
          <UnstyledButton className={classes.way} onClick={() => setRecovery(!recovery)}>
            {recovery ? text.useTotp : text.useRecovery}
          </UnstyledButton>
          <UnstyledButton
            className={classes.way}
            onClick={() => {
              give(null);
              signIn.reset();
            }}
          >
            {text.otherPerson}
          </UnstyledButton>
        </div>
      )}
    </form>
  );
}

type Field = RefObject<HTMLInputElement | null>;

interface NameProps {
  name: Field;
  password: Field;
  user: string;
  missing: Missing | null;
  wrong: boolean;
}

function NameAndPassword({ name, password, user, missing, wrong }: NameProps) {
  const text = useText().signIn;
  useFocusFirst(user === "" ? name : password);
  return (
    <>
      <TextInput
        ref={name}
        label={text.user}
        defaultValue={user}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        error={missing === "user" && text.missing.user}
      />
      <SecretField
        ref={password}
        label={text.password}
        autoComplete="current-password"
        error={missing === "password" ? text.missing.password : wrong}
      />
    </>
  );
}

interface CodeProps {
  code: Field;
  recovery: boolean;
  missing: Missing | null;
  wrong: boolean;
}

function Code({ code, recovery, missing, wrong }: CodeProps) {
  const text = useText().signIn;
  useFocusFirst(code);
  return (
    <TextInput
      ref={code}
      label={recovery ? text.recovery : text.totp}
      description={recovery ? text.recoveryHint : text.totpHint}
      autoComplete="one-time-code"
      inputMode={recovery ? "text" : "numeric"}
      autoCapitalize="none"
      spellCheck={false}
      error={missing === "code" ? text.missing.code : wrong}
    />
  );
}

function firstMissing({ username, password }: { username: string; password: string }, code: string | null): Missing | null {
  if (username === "") return "user";
  if (password === "") return "password";
  return code === "" ? "code" : null;
}

/** Told to those who do not see the button: how long it takes, once, and that it is over. */
function Waiting({ wait, asked }: { wait: number; asked: number }) {
  const text = useText().signIn;
  return wait > 0 ? (
    <output className={classes.unseen}>{text.wait(asked)}</output>
  ) : (
    <output className={classes.as}>{text.waited}</output>
  );
}

/** The seconds that the console wants to pass before the next try. */
function useWait(): { wait: number; note: (error: ProblemError) => void } {
  const [until, waitUntil] = useState(0);
  const now = useNow(250);
  return {
    wait: secondsLeft(until, now),
    note: (error) => waitUntil(error.waitS > 0 ? performance.now() + error.waitS * 1_000 : 0),
  };
}
