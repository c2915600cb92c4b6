import { UnstyledButton } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { may } from "../api/may";
import { useSession, useSignOut } from "../api/session";
import { useLanguage, useText } from "../i18n";
import { SCREENS } from "../screens";
import { Icon } from "./Icon";
import classes from "./Rail.module.css";

/** The screens this person may see, and the way out. */
export function Rail({ open }: { open: boolean }) {
  const text = useText();
  const language = useLanguage();
  const session = useSession().data;
  const signOut = useSignOut();
  return (
    <nav id="rail" className={classes.rail} aria-label={text.frame.screens} hidden={!open}>
      {SCREENS.filter(({ right, everywhere }) => may(session, right, everywhere === true ? "" : undefined)).map(({ home, icon, label }) => (
        <Link key={home} to={home} className={classes.item}>
          <Icon>{icon}</Icon>
          {label[language]}
        </Link>
      ))}
      <UnstyledButton
        className={`${classes.item} ${classes.last}`}
        disabled={signOut.isPending}
        data-failed={signOut.isError}
        onClick={() => signOut.mutate()}
      >
        <Icon>
          <path d="M14 4H5v16h9M10 12h10m-3.5-3.5L20 12l-3.5 3.5" />
        </Icon>
        {signOut.isError ? text.frame.signOutFailed : text.frame.signOut}
      </UnstyledButton>
    </nav>
  );
}
