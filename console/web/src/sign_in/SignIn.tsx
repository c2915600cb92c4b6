import { useState } from "react";
import { useArrival } from "../api/arrival";
import { say, useLanguage, useText } from "../i18n";
import { Outside } from "./Outside";
import classes from "./SignIn.module.css";
import { SignInForm } from "./SignInForm";
import { welcomed } from "./welcome";

/** Shown to whoever has no session; says why when there was one. */
export function SignIn() {
  const text = useText().signIn;
  const language = useLanguage();
  const over = useArrival((state) => state.over);
  const [user] = useState(welcomed);
  return (
    <Outside title={text.title}>
      {user !== "" && <output className={classes.notice}>{text.welcome}</output>}
      {over !== null && (
        <output className={classes.notice} data-why={over.why}>
          {say(language, over.error, over.error_zh)}
        </output>
      )}
      <SignInForm user={user} />
      <p className={classes.hint}>{text.forgotten}</p>
    </Outside>
  );
}
