import { Kbd, UnstyledButton } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useConsole } from "../api/store";
import type { ChannelStatus } from "../api/types";
import { useText } from "../i18n";
import line from "../live/ReasonLine.module.css";
import { ProblemLine } from "../ui/Page";
import classes from "./Duty.module.css";
import { type Part, partOf } from "./duty";
import { actOnDuty, useCandidates, useDutyChange } from "./useDuty";

const MOST = 500;

/**
 * Hands duty over, takes it over, or steps in (key H): Enter does it, Escape leaves. It takes the focus, since a note is
 * written; the cut key stays beside it for the pointer.
 */
export function DutyLine({ channel, onClose }: { channel: ChannelStatus; onClose: () => void }) {
  const text = useText();
  const user = useConsole((state) => state.user);
  const part = partOf(channel.duty, user);
  const [note, setNote] = useState("");
  const [chosen, choose] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const people = useCandidates(channel.name, part.kind === "on_duty").data?.people ?? [];
  const others = people.filter((one) => one.user !== user && !channel.duty.people.some((on) => on.user === one.user));
  const to = chosen === "" ? (others[0]?.user ?? "") : chosen;
  const acting = useDutyChange((act: Parameters<typeof actOnDuty>[1]) => actOnDuty(channel.name, act, note.trim(), to));
  const act = (what: Parameters<typeof actOnDuty>[1]) => acting.mutate(what, { onSuccess: onClose });
  const { kind } = part;
  useEffect(() => focusIn(form.current, kind), [kind]);
  useEffect(() => {
    const leave = (event: KeyboardEvent) => event.key === "Escape" && onClose();
    window.addEventListener("keydown", leave);
    return () => window.removeEventListener("keydown", leave);
  }, [onClose]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const main = MAIN[part.kind];
    if (!acting.isPending && !(main === "offer" && to === "")) act(main);
  };
  const said = part.kind === "on_duty" ? text.duty.handNote : text.duty.note;
  const noteField = (
    <label className={line.own}>
      <input value={note} maxLength={MOST} placeholder={said} aria-label={said} onChange={(event) => setNote(event.currentTarget.value)} />
    </label>
  );
  return (
    <form
      className={line.line}
      onSubmit={submit}
      ref={form}
      data-testid="duty-line"
      data-part={part.kind}
      aria-label={text.duty.keyTitle}
    >
      <div className={line.head}>
        <Words part={part} />
        {part.kind === "on_duty" && (
          <select
            className={classes.select}
            aria-label={text.duty.handOver}
            value={to}
            onChange={(event) => choose(event.currentTarget.value)}
          >
            {others.map((one) => (
              <option key={one.user} value={one.user}>
                {one.display_name === "" ? one.user : `${one.display_name} (${one.user})`}
              </option>
            ))}
          </select>
        )}
        {part.kind === "off_duty" && noteField}
        <UnstyledButton className={classes.leave} aria-label={`Esc ${text.reason.cancel}`} title={text.reason.cancel} aria-keyshortcuts="Escape" onClick={onClose}>
          <Kbd size="xs">Esc</Kbd>
        </UnstyledButton>
      </div>
      {part.kind === "on_duty" && noteField}
      <div className={line.picks}>
        <UnstyledButton className={line.pick} type="submit">
          <Kbd size="xs">↵</Kbd> {mainWords(part, text.duty)}
        </UnstyledButton>
        {part.kind === "on_duty" && (
          <UnstyledButton className={line.pick} onClick={() => act("leave")}>
            {text.duty.leave}
          </UnstyledButton>
        )}
      </div>
      <ProblemLine error={acting.error} />
    </form>
  );
}

/** Puts the hands where the first thing to do is: a field, or the button itself. */
function focusIn(form: HTMLFormElement | null, kind: Part["kind"]): void {
  const first = kind === "on_duty" ? "select" : kind === "off_duty" ? "input" : "button[type=submit]";
  form?.querySelector<HTMLElement>(first)?.focus();
}

const MAIN = { offered_to_me: "accept", offered: "withdraw", on_duty: "offer", off_duty: "take" } as const;

function mainWords(part: Part, words: { take: string; withdraw: string; hand: string; step: string }): string {
  return { offered_to_me: words.take, offered: words.withdraw, on_duty: words.hand, off_duty: words.step }[part.kind];
}

function Words({ part }: { part: Part }) {
  const { duty } = useText();
  switch (part.kind) {
    case "offered_to_me":
      return <output className={classes.say}>{duty.takes(part.from.name, part.from.note)}</output>;
    case "offered":
      return <output className={classes.say}>{duty.offered(part.to)}</output>;
    case "on_duty":
      return <output>{duty.handOver}</output>;
    case "off_duty":
      return <output>{duty.stepHint}</output>;
  }
}
