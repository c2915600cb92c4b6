import type { OwnSignIn } from "../api/types";
import { useLanguage, useText } from "../i18n";
import page from "../ui/Page.module.css";
import { when } from "../ui/people";
import classes from "./Account.module.css";

const FAILED = new Set(["bad_password", "bad_totp", "disabled"]);

/** The newest tries to sign in under the own name (R20). */
export function SignInsPart({ tries }: { tries: OwnSignIn[] }) {
  const words = useText().account;
  const language = useLanguage();
  return (
    <section className={page.card} aria-label={words.signIns}>
      <h2>{words.signIns}</h2>
      <p className={page.hint}>{words.signInsHint}</p>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">{words.when}</th>
            <th scope="col">{words.where}</th>
            <th scope="col">{words.what}</th>
          </tr>
        </thead>
        <tbody>
          {tries.map(({ at, address, result }) => (
            <tr key={`${at}/${result}`} data-result={result}>
              <td>{when(at, language)}</td>
              <td className={page.mono}>{address}</td>
              <td className={FAILED.has(result) ? classes.failed : ""}>{words.results[result] ?? result}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
