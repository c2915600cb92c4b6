import { useConsole } from "../api/store";
import { say, useLanguage, useText } from "../i18n";
import { clock, person } from "../ui/format";
import card from "./Card.module.css";

/** What was done and what happened, newest first. */
export function LogCard({ channel }: { channel: string }) {
  const text = useText();
  const language = useLanguage();
  const log = useConsole((state) => state.log);
  const lines = log.filter((line) => line.channel === channel || line.channel === "").toReversed();
  return (
    <div className={`${card.card} ${card.scroll}`} data-testid="log">
      <h2 className={card.title}>{text.log.title}</h2>
      {lines.length === 0 && <div className={card.note}>{text.log.empty}</div>}
      {lines.map((line) => (
        <div key={line.seq} className={card.line} data-level={line.level}>
          <time>{clock(line.at * 1000)}</time>
          {line.actor !== "" && <b>{person(line.actor)} </b>}
          {say(language, line.text, line.text_zh)}
        </div>
      ))}
    </div>
  );
}
