import { useText } from "../i18n";
import classes from "./Account.module.css";
import { type Judged, type Mark, MAX_CHARS, MIN_CHARS } from "./passwordRules";

const SIGNS: Record<Mark | "later", string> = { open: "○", met: "✓", broken: "✗", later: "·" };

/** The rules of passwords, each with whether it is kept so far. */
export function Rules({ id, judged, tried, hasHad }: { id: string; judged: Judged; tried: boolean; hasHad: boolean }) {
  const text = useText().account.rules;
  const length = judged.length === "open" && tried ? "broken" : judged.length;
  return (
    <div className={classes.rules} id={id}>
      <span>{text.title}</span>
      <ul>
        <Rule mark={length} says={text.length(judged.chars, MIN_CHARS, MAX_CHARS)} />
        <Rule mark={judged.name} says={text.name} />
        <Rule mark="later" says={text.later(text.common)} />
        {hasHad && <Rule mark="later" says={text.later(text.used)} />}
      </ul>
    </div>
  );
}

function Rule({ mark, says }: { mark: Mark | "later"; says: string }) {
  return (
    <li data-mark={mark}>
      <span aria-hidden>{SIGNS[mark]}</span>
      {says}
    </li>
  );
}
