import { Button, Loader, TextInput } from "@mantine/core";
import { useRef, useState } from "react";
import { NewPassword } from "../account/NewPassword";
import { useChoosePassword, useOneTime } from "../api/session";
import type { OneTime as Link } from "../api/types";
import { useText } from "../i18n";
import { ProblemLine } from "../ui/Page";
import { useFocusFirst, useFocusOn } from "../ui/useFocusOn";
import { Outside } from "./Outside";
import classes from "./SignIn.module.css";
import { welcome } from "./welcome";

export const ONE_TIME = "/one-time";

/** Opened by a one-time link: choose a password, then sign in with it. The token stands behind the #. */
export function OneTime() {
  const text = useText().signIn;
  const [token] = useState(() => window.location.hash.slice(1));
  const link = useOneTime(token);
  if (link.isPending) {
    return (
      <Outside title="streamgate">
        <Loader size="sm" color="gray" />
      </Outside>
    );
  }
  if (link.data !== undefined) return <Choose token={token} link={link.data} onBad={() => void link.refetch()} />;
  const bad = link.error?.problem.code === "bad_token";
  return (
    <Outside title={bad ? text.badLink : text.title} wide>
      <ProblemLine error={link.error} />
      {bad && <BadLink />}
    </Outside>
  );
}

function BadLink() {
  const text = useText().signIn;
  return (
    <>
      <ul className={classes.hints} style={{ marginTop: 12 }}>
        {text.badLinkHints.map((hint) => (
          <li key={hint}>{hint}</li>
        ))}
      </ul>
      <Button component="a" href="/" variant="default">
        {text.toSignIn}
      </Button>
    </>
  );
}

function Choose({ token, link, onBad }: { token: string; link: Link; onBad: () => void }) {
  const text = useText().signIn;
  const [username, setUsername] = useState("");
  const nameField = useRef<HTMLInputElement>(null);
  const choose = useChoosePassword(token);
  const first = link.kind === "setup";
  const title = first ? "streamgate" : `streamgate · ${link.user}`;
  const says = first ? text.first : link.kind === "invite" ? text.invited : text.reset;
  useFocusFirst(nameField);
  useFocusOn(choose.error, { refused: nameField });
  const save = (password: string) =>
    choose.mutate(
      { username: username.trim(), password },
      {
        onSuccess: ({ user }) => {
          welcome(user);
          window.location.replace("/");
        },
        // It lapsed, or was used elsewhere, while the form stood open.
        onError: ({ problem }) => problem.code === "bad_token" && onBad(),
      },
    );
  return (
    <Outside title={title} wide>
      <p className={classes.as}>{says}</p>
      <NewPassword
        user={first ? null : link.user}
        names={[first ? username.trim() : link.user]}
        hasHad={link.kind === "reset"}
        labels={{ password: text.password, again: text.again, save: text.save }}
        busy={choose.isPending}
        error={choose.error}
        onSave={save}
        missing={first && username.trim() === "" ? nameField : null}
      >
        {first && (
          <TextInput
            ref={nameField}
            label={text.user}
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
          />
        )}
      </NewPassword>
    </Outside>
  );
}
