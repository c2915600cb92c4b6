import { Link, useLocation } from "@tanstack/react-router";
import { useEffect } from "react";
import { forgetLast, useArrival } from "../api/arrival";
import { useSession } from "../api/session";
import { useConsole } from "../api/store";
import { useLanguage, useText } from "../i18n";
import { shortTime, when } from "../ui/people";
import classes from "./Frame.module.css";
import { Icon } from "./Icon";

const SHOWN_MS = 60_000;

/** Who is signed in, and the way to the own account. */
export function Who() {
  const text = useText();
  const { data } = useSession();
  const idle = useConsole((state) => state.rights?.state === "idle");
  // There one signs in where the keys were, without leaving the pictures.
  const live = useLocation().pathname.startsWith("/live");
  if (!data) return null;
  return (
    <div className={classes.whoBox}>
      <Link
        to="/account"
        className={classes.who}
        title={text.frame.signedInAs(data.user)}
        data-testid="who"
        // A click must not take the keyboard away from the screen.
        onMouseDown={(event) => event.preventDefault()}
      >
        <Icon>
          <path d="M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20c0-3.5 3-6 7-6s7 2.5 7 6" />
        </Icon>
        <span>{data.user}</span>
      </Link>
      {idle && live ? null : idle ? (
        <Link to="/account" className={classes.note} data-tone="warn">
          {text.frame.signInAgain}
        </Link>
      ) : (
        <LastSignIn />
      )}
    </div>
  );
}

/** Told once, after signing in. Tries that failed stay until the person has looked at the own account. */
function LastSignIn() {
  const text = useText();
  const language = useLanguage();
  const last = useArrival((state) => state.last);
  const failed = last?.failed_since ?? 0;
  useEffect(() => {
    if (last === null || failed > 0) return undefined;
    const timer = window.setTimeout(forgetLast, SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [last, failed]);
  if (last === null || (last.at === null && failed === 0)) return <output className={classes.note} />;
  const inFull = [
    last.at === null ? "" : text.account.lastSignIn(when(last.at, language), last.address),
    failed === 0 ? "" : text.account.failedSince(failed),
  ].join(" ");
  return (
    <output className={classes.note} data-tone={failed > 0 ? "warn" : ""} title={inFull} data-testid="last">
      {last.at !== null && <span>{text.account.lastShort(shortTime(last.at, language))}</span>}
      {failed > 0 && <b>{text.account.failedShort(failed)}</b>}
    </output>
  );
}
