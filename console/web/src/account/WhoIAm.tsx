import { useArrival } from "../api/arrival";
import type { Me, Session } from "../api/types";
import { useLanguage, useText } from "../i18n";
import page from "../ui/Page.module.css";
import { when } from "../ui/people";
import classes from "./Account.module.css";
import { roleInWords } from "./roles";

export function WhoIAm({ me, session }: { me: Me; session: Session }) {
  const words = useText().account;
  const language = useLanguage();
  const failed = useArrival((state) => state.last?.failed_since ?? 0);
  const before = me.sign_ins.filter(({ result }) => result === "ok")[1];
  return (
    <section className={page.card}>
      <h2 className={classes.name}>
        {me.display_name === "" ? me.user : me.display_name}
        {me.display_name !== "" && <small className={page.mono}>{me.user}</small>}
      </h2>
      <dl className={classes.facts}>
        <dt>{words.roles}</dt>
        <dd>
          {me.roles.map((role) => (
            <div key={role}>{roleInWords(role, words)}</div>
          ))}
        </dd>
        <dt>{words.signedIn}</dt>
        <dd>{words.until(when(session.expires_at, language))}</dd>
        {before !== undefined && (
          <>
            <dt>{words.before}</dt>
            <dd>{words.timeAndPlace(when(before.at, language), before.address)}</dd>
          </>
        )}
      </dl>
      {failed > 0 && <p className={page.warn}>{words.failedSince(failed)}</p>}
    </section>
  );
}
