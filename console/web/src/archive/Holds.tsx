import { Button } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useMay } from "../api/channels";
import { say, useLanguage, useText } from "../i18n";
import { Answer, ProblemLine } from "../ui/Page";
import { byWhom, shortTime } from "../ui/people";
import archive from "./Archive.module.css";
import classes from "./Aside.module.css";
import { clockOf, dayOf } from "./days";
import { type RecordingHold, useHolds, useLiftHold } from "./questions";
import type { Room } from "./useRoom";

/** The channel's holds, the newest first; two people lift one. */
export function Holds({ room }: { room: Room }) {
  const words = useText().recordings;
  const asked = useHolds(room.channel);
  const may = useMay("archive:lift", room.channel);
  const [lifting, lift] = useState("");
  const [told, tell] = useState("");
  return (
    <div data-testid="holds">
      <output className={classes.hint}>{told}</output>
      <Answer asked={asked}>
        {asked.data?.holds.length === 0 && <p className={classes.blank}>{words.holds.nothing}</p>}
        {asked.data?.holds.toReversed().map((one) => (
          <article key={one.id} className={classes.card} data-hold={one.id}>
            <Words one={one} />
            <div className={classes.buttons}>
              <Button size="compact-xs" variant="default" onClick={() => room.goTo(one.start)}>
                {words.holds.go}
              </Button>
              {may && lifting !== one.id && (
                <Button size="compact-xs" variant="default" onClick={() => lift(one.id)}>
                  {words.holds.lift}
                </Button>
              )}
            </div>
            {lifting === one.id && (
              <Lift
                channel={room.channel}
                hold={one.id}
                onDone={(done) => {
                  lift("");
                  tell(done);
                }}
              />
            )}
          </article>
        ))}
      </Answer>
    </div>
  );
}

function Words({ one }: { one: RecordingHold }) {
  const text = useText();
  const language = useLanguage();
  const words = text.recordings.holds;
  return (
    <>
      <b>{say(language, one.reason, one.reason_zh)}</b>
      <small>
        {dayOf(one.start)} {clockOf(one.start)} – {dayOf(one.end) === dayOf(one.start) ? "" : `${dayOf(one.end)} `}
        {clockOf(one.end)}
      </small>
      <small>{one.reason_zh === "" ? words.by(byWhom(one.by, text), shortTime(one.at, language)) : shortTime(one.at, language)}</small>
      {one.waiting !== "" && <small className={archive.warn}>{words.waiting(byWhom(one.waiting, text), one.waiting_reason)}</small>}
    </>
  );
}

function Lift({ channel, hold, onDone }: { channel: string; hold: string; onDone: (said: string) => void }) {
  const text = useText();
  const words = text.recordings.span;
  const [reason, setReason] = useState("");
  const lift = useLiftHold(channel);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reason.trim() === "") return;
    lift.mutate({ hold, reason }, { onSuccess: ({ state }) => onDone(state === "waiting" ? words.waits : words.lifted) });
  };
  return (
    <form className={archive.form} onSubmit={submit}>
      <input
        // oxlint-disable-next-line jsx-a11y/no-autofocus -- it appears because it was asked for
        autoFocus
        type="text"
        className={archive.field}
        value={reason}
        maxLength={500}
        aria-label={words.whyLift}
        placeholder={words.whyLift}
        onChange={(event) => setReason(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && onDone("")}
      />
      <Button type="submit" size="xs" loading={lift.isPending} disabled={reason.trim() === ""}>
        {words.liftIt}
      </Button>
      <Button size="xs" variant="default" onClick={() => onDone("")}>
        {text.shared.cancel}
      </Button>
      <ProblemLine error={lift.error} />
    </form>
  );
}
