import { Button } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useMay } from "../api/channels";
import { useText } from "../i18n";
import { duration } from "../ui/format";
import { ProblemLine } from "../ui/Page";
import classes from "./Archive.module.css";
import { clockOf, type Span } from "./days";
import { usePlaceHold, useQueueExport } from "./questions";
import { useDeck } from "./useDeck";
import { type Room, spanOf } from "./useRoom";

function lengthOf(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : duration(Math.round(seconds));
}

/** The marked span in words; and why it is exported or held. */
export function SpanPanel({ room }: { room: Room }) {
  const words = useText().recordings.span;
  const [said, say] = useState("");
  const span = spanOf(room.marks);
  const { in: start, out: end } = room.marks;
  const close = (done: string) => {
    room.open(null);
    say(done);
  };
  const told = span === null ? words.none : words.marked(clockOf(span.start, 1), clockOf(span.end, 1), lengthOf(span.end - span.start));
  const half = span === null && (start !== null || end !== null);
  return (
    <div className={classes.span} data-testid="span">
      <output className={classes.marked}>
        {half ? `${start === null ? "…" : clockOf(start, 1)} – ${end === null ? "…" : clockOf(end, 1)}` : told}
        {said === "" || room.panel !== null ? "" : ` · ${said}`}
      </output>
      {(start !== null || end !== null) && (
        <Button size="compact-xs" variant="subtle" onClick={() => (room.mark({ in: null, out: null }), close(""))}>
          {words.clear}
        </Button>
      )}
      {room.panel !== null && span !== null && <Form key={room.panel} room={room} panel={room.panel} span={span} onDone={close} />}
    </div>
  );
}

interface FormProps {
  room: Room;
  panel: "export" | "hold";
  span: Span;
  onDone: (said: string) => void;
}

function Form({ room, panel, span, onDone }: FormProps) {
  const text = useText();
  const words = text.recordings.span;
  const field = useRef<HTMLInputElement>(null);
  const [reason, setReason] = useState("");
  const [kind, setKind] = useState<"received" | "aired">("received");
  const [exact, setExact] = useState(false);
  const place = usePlaceHold(room.channel);
  const queue = useQueueExport(room.channel);
  const may = useMay(panel === "export" ? "archive:export" : "archive:hold", room.channel);
  const absent = useDeck(room.deck, (state) => state.aired.state === "absent");
  useEffect(() => field.current?.focus(), []);
  if (!may) return <p className={classes.warn}>{words.noRight}</p>;
  const busy = place.isPending || queue.isPending;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reason.trim() === "" || busy) return;
    if (panel === "hold") place.mutate({ ...span, reason }, { onSuccess: () => onDone(words.held) });
    else queue.mutate({ ...span, kind, exact, reason }, { onSuccess: () => onDone(words.queued) });
  };
  return (
    <form className={classes.form} onSubmit={submit} data-testid={`${panel}-form`}>
      <input
        ref={field}
        type="text"
        className={classes.field}
        value={reason}
        maxLength={500}
        aria-label={panel === "export" ? words.whyExport : words.whyHold}
        placeholder={panel === "export" ? words.whyExport : words.whyHold}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      {panel === "export" && (
        <select
          className={classes.field}
          aria-label={words.kind}
          value={kind}
          onChange={(event) => setKind(event.currentTarget.value === "aired" ? "aired" : "received")}
        >
          <option value="received">{words.kinds.received}</option>
          <option value="aired" disabled={absent}>
            {words.kinds.aired}
          </option>
        </select>
      )}
      {panel === "export" && (
        <select
          className={classes.field}
          aria-label={words.ends}
          value={exact ? "exact" : "whole"}
          title={exact ? words.toPicture : words.snapped}
          onChange={(event) => setExact(event.currentTarget.value === "exact")}
        >
          <option value="whole">{words.whole}</option>
          <option value="exact">{words.exact}</option>
        </select>
      )}
      <Button type="submit" size="xs" loading={busy} disabled={reason.trim() === ""}>
        {panel === "export" ? words.exportIt : words.holdIt}
      </Button>
      <Button size="xs" variant="default" onClick={() => onDone("")}>
        {text.shared.cancel}
      </Button>
      <ProblemLine error={place.error ?? queue.error} />
    </form>
  );
}
