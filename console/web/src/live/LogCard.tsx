import { Kbd, UnstyledButton } from "@mantine/core";
import { useConsole } from "../api/store";
import type { ChannelStatus } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import { keysOf } from "../keys/keymap";
import { useKeymap } from "../keys/useKeys";
import { clock } from "../ui/format";
import { byWhom } from "../ui/people";
import { alarmsOf } from "./alarms";
import card from "./Card.module.css";
import type { Deck } from "./useDeck";

/** What is wrong now, then what was done and what happened, newest first. */
export function LogCard({ channel, deck }: { channel: ChannelStatus; deck: Deck }) {
  const text = useText();
  const language = useLanguage();
  const log = useConsole((state) => state.log);
  const noteKeys = keysOf(useKeymap(), "note");
  const alarms = alarmsOf(channel, text, language);
  const lines = log.filter((line) => line.channel === channel.name || line.channel === "").toReversed();
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keyboard
    <section className={`${card.card} ${card.scroll}`} aria-label={text.log.title} tabIndex={0} data-testid="log">
      {alarms.length > 0 && <h2 className={card.title}>{text.warnings.title}</h2>}
      {alarms.map((alarm) => (
        <div key={alarm.key} className={card.line} data-level={alarm.level}>
          {alarm.text}
        </div>
      ))}
      <h2 className={card.title}>
        {text.log.title}
        {deck.mayNote && (
          <UnstyledButton
            className={card.act}
            data-testid="note-key"
            aria-keyshortcuts={noteKeys.join(" ")}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => deck.note(true)}
          >
            <Kbd size="xs">{noteKeys[0] ?? "–"}</Kbd> {text.incidents.noteKey}
          </UnstyledButton>
        )}
      </h2>
      {lines.length === 0 && <div className={card.note}>{text.log.empty}</div>}
      {lines.map((line) => (
        <div key={line.seq} className={card.line} data-level={line.level}>
          <time>{clock(line.at * 1000)}</time>
          {line.actor !== "" && <b>{byWhom(line.actor, text)} </b>}
          {say(language, line.text, line.text_zh)}
        </div>
      ))}
    </section>
  );
}
