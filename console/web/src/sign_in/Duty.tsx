import { Button, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { NewPassword } from "../account/NewPassword";
import { PresentPassword, usePresentPassword } from "../account/PresentPassword";
import { TotpSetup } from "../account/TotpSetup";
import { goOn, useChangePassword } from "../api/account";
import { type Duty as Kind, useSignOut } from "../api/session";
import type { Session } from "../api/types";
import { useText } from "../i18n";
import { Outside } from "./Outside";
import classes from "./SignIn.module.css";

/** What has to be done before the screens: a new password, or setting up the second factor. */
export function Duty({ kind, session }: { kind: Kind; session: Session }) {
  const text = useText();
  const signOut = useSignOut();
  const password = kind === "password_expired";
  return (
    <Outside title={password ? text.signIn.expiredTitle : text.signIn.totpTitle} wide>
      {password ? <ExpiredPassword session={session} /> : <MissingTotp user={session.user} />}
      <div className={classes.foot}>
        <span>{text.frame.signedInAs(session.user)}</span>
        <UnstyledButton className={classes.way} disabled={signOut.isPending} onClick={() => signOut.mutate()}>
          {text.signIn.signOut}
        </UnstyledButton>
      </div>
    </Outside>
  );
}

function ExpiredPassword({ session }: { session: Session }) {
  const text = useText();
  const change = useChangePassword();
  const present = usePresentPassword(change.error);
  return (
    <>
      <p className={classes.as}>{text.signIn.expired}</p>
      <NewPassword
        user={session.user}
        names={[session.user, session.display_name]}
        hasHad
        labels={{ password: text.account.newPassword, again: text.account.newAgain, save: text.shared.save }}
        busy={change.isPending}
        error={change.error}
        onSave={(chosen) => change.mutate({ current: present.value, password: chosen }, { onSuccess: goOn })}
        missing={present.missing}
      >
        <PresentPassword present={present} />
      </NewPassword>
    </>
  );
}

/** The recovery codes stay until the person has kept them: they are not shown again. */
function MissingTotp({ user }: { user: string }) {
  const text = useText().signIn;
  const [done, finish] = useState(false);
  return (
    <>
      {!done && <p className={classes.as}>{text.totpDuty}</p>}
      <TotpSetup user={user} renew={false} onConfirmed={() => finish(true)}>
        <Button onClick={goOn}>{text.goOn}</Button>
      </TotpSetup>
    </>
  );
}
