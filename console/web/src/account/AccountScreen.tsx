/** One's own account: who I am, password, second factor, sessions, the latest sign-ins. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useMe } from "../api/account";
import { forgetLast } from "../api/arrival";
import { useSession } from "../api/session";
import { useConsole } from "../api/store";
import type { Me, Session } from "../api/types";
import { useText } from "../i18n";
import { KeysPart } from "../keys/KeysPart";
import { SignInForm } from "../sign_in/SignInForm";
import { Answer } from "../ui/Page";
import page from "../ui/Page.module.css";
import classes from "./Account.module.css";
import { FactorPart } from "./FactorPart";
import { PasswordPart } from "./PasswordPart";
import { SessionsPart } from "./SessionsPart";
import { SignInsPart } from "./SignInsPart";
import { WhoIAm } from "./WhoIAm";

export function AccountScreen() {
  const text = useText();
  const session = useSession().data;
  const idle = useConsole((state) => state.rights?.state === "idle");
  useEffect(() => () => forgetLast(), []);
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1>{text.account.title}</h1>
      </header>
      {session && (idle ? <SignInAgain user={session.user} /> : <Account session={session} />)}
    </div>
  );
}

/** Somebody idle keeps the view and the cut key; the account is opened by signing in again. */
function SignInAgain({ user }: { user: string }) {
  const text = useText();
  const go = useNavigate();
  return (
    <section className={`${page.card} ${classes.narrow}`} data-testid="again">
      <p className={page.warn}>{text.signIn.idle}</p>
      <SignInForm user={user} onDone={() => void go({ to: "/" })} />
    </section>
  );
}

function Account({ session }: { session: Session }) {
  const me = useMe();
  return (
    <Answer asked={me}>
      {me.data !== undefined && <Parts me={me.data} session={session} />}
    </Answer>
  );
}

function Parts({ me, session }: { me: Me; session: Session }) {
  return (
    <div className={classes.parts}>
      <div>
        <WhoIAm me={me} session={session} />
        <PasswordPart me={me} />
        <FactorPart me={me} />
        <KeysPart />
      </div>
      <div>
        <SessionsPart />
        <SignInsPart tries={me.sign_ins} />
      </div>
    </div>
  );
}
