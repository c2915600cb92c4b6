import { useText } from "../i18n";
import classes from "./Account.module.css";
import { type Judged, type Mark, MAX_CHARS, MIN_CHARS } from "./passwordRules";

const SIGNS: Record<Mark, string> = { open: "○", met: "✓", broken: "✗" };

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
        <Rule mark="open" says={text.common} later={text.later} />
        {hasHad && <Rule mark="open" says={text.used} later={text.later} />}
      </ul>
    </div>
  );
}

function Rule({ mark, says, later }: { mark: Mark; says: string; later?: string }) {
  return (
    <li data-mark={mark}>
      <span aria-hidden>{later === undefined ? SIGNS[mark] : "·"}</span>
      {later === undefined ? says : `${says} (${later})`}
    </li>
  );
}
