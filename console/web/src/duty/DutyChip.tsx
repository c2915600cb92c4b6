import { UnstyledButton } from "@mantine/core";
import { useConsole } from "../api/store";
import type { ChannelStatus } from "../api/types";
import { type Language, type Strings, useLanguage, useText } from "../i18n";
import { shortTime } from "../ui/people";
import classes from "./Duty.module.css";
import { isAlone, partOf } from "./duty";

/** In the header of Live: who is on duty here; while nobody is there, what is asked. The key H does the same. */
export function DutyChip({ channel, onOpen }: { channel: string; onOpen: () => void }) {
  const text = useText();
  const language = useLanguage();
  const user = useConsole((state) => state.user);
  const status = useConsole((state) => state.channels.find(({ name }) => name === channel));
  if (status === undefined) return null;
  const { duty } = status;
  const part = partOf(duty, user);
  const offered = part.kind === "offered_to_me" && (duty.state === "there" || duty.state === "off");
  return (
    <UnstyledButton
      className={classes.chip}
      data-testid="duty"
      data-state={offered ? "offered" : duty.state}
      title={[...titleOf(status, text, language), text.duty.keyTitle].join("\n")}
      aria-keyshortcuts="H"
      onMouseDown={(event) => event.preventDefault()}
      onClick={onOpen}
    >
      <i className={classes.dot} />
      <span aria-live="polite">{offered ? `${text.duty.takes(part.from.name, "")} · H` : chipWords(status, text)}</span>
    </UnstyledButton>
  );
}

function chipWords({ duty }: ChannelStatus, text: Strings): string {
  if (duty.state === "asked") return text.duty.askedFor(Math.ceil(duty.alarm_in_s ?? 0));
  if (isAlone(duty)) return text.duty.states[duty.state];
  if (!duty.known) return text.duty.unknown;
  const [first, ...others] = duty.people.map(({ name }) => name);
  if (first === undefined) return text.duty.nobody;
  return `${text.duty.onDuty}: ${first}${others.length > 0 ? ` +${others.length}` : ""}`;
}

function titleOf({ duty }: ChannelStatus, text: Strings, language: Language): string[] {
  const lines = duty.people.map(({ name, until }) => text.duty.until(name, shortTime(until, language)));
  if (lines.length === 0) lines.push(text.duty.nobody);
  if (duty.next) lines.push(text.duty.following(duty.next.name, shortTime(duty.next.at, language)));
  return lines;
}
