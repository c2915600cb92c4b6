import { Button } from "@mantine/core";
import { useEndSession, useOwnSessions } from "../api/account";
import type { OwnSession } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { Answer, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { when } from "../ui/people";
import classes from "./Account.module.css";
import { agentOf } from "./agent";

/** Where the person is signed in: this browser first. */
export function SessionsPart() {
  const words = useText().account;
  const sessions = useOwnSessions();
  const ending = useEndSession();
  const all = sessions.data?.sessions ?? [];
  const others = all.filter(({ current }) => !current);
  return (
    <section className={page.card} aria-label={words.sessions}>
      <h2>{words.sessions}</h2>
      <p className={page.hint}>{words.sessionsHint}</p>
      <Answer asked={sessions}>
        <ul className={classes.list}>
          {[...all.filter(({ current }) => current), ...others].map((one) => (
            <Item key={one.id} one={one} busy={ending.isPending} onEnd={() => ending.mutate(one.id)} />
          ))}
        </ul>
        {others.length > 0 && (
          <Button size="xs" variant="default" mt={8} loading={ending.isPending} onClick={() => ending.mutate(null)}>
            {words.endOthers(others.length)}
          </Button>
        )}
      </Answer>
      <ProblemLine error={ending.error} />
    </section>
  );
}

function Item({ one, busy, onEnd }: { one: OwnSession; busy: boolean; onEnd: () => void }) {
  const words = useText().account;
  const language = useLanguage();
  const { browser, system } = agentOf(one.user_agent);
  const agent = browser === "" ? words.unknownAgent : system === "" ? browser : words.on(browser, system);
  return (
    <li className={classes.item} data-session={one.current ? "current" : "other"}>
      <div className={page.row}>
        <span className={page.name} title={one.user_agent}>
          {agent}
        </span>
        {one.current && (
          <span className={page.badge} data-tone="good">
            {words.thisOne}
          </span>
        )}
        {!one.current && (
          <Button
            className={classes.end ?? ""}
            size="xs"
            variant="default"
            disabled={busy}
            aria-label={words.endOne(`${agent} ${words.from(one.address)}`)}
            onClick={onEnd}
          >
            {words.end}
          </Button>
        )}
      </div>
      <div className={page.dim}>
        {words.from(one.address)} · {words.signedInAt(when(one.created_at, language))} ·{" "}
        {words.lastSeen(when(one.last_seen_at, language))}
      </div>
    </li>
  );
}
