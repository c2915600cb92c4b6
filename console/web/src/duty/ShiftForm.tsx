import { Button, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { dataOf, http } from "../api/http";
import { useText } from "../i18n";
import { ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { fieldOf, timeOf } from "./duty";
import { useCandidates, useDutyChange } from "./useDuty";

const HOURS = 4;
const HOUR_MS = 3_600_000;

/** Puts somebody on the roster. */
export function ShiftForm({ channel }: { channel: string }) {
  const text = useText().duty;
  const people = useCandidates(channel, true).data?.people ?? [];
  const [chosen, choose] = useState("");
  const [starts, setStarts] = useState(() => fieldOf(Date.now()));
  const [ends, setEnds] = useState(() => fieldOf(Date.now() + HOURS * HOUR_MS));
  const [broadcast, setBroadcast] = useState("");
  const [note, setNote] = useState("");
  const user = chosen === "" ? (people[0]?.user ?? "") : chosen;
  const from = timeOf(starts);
  const to = timeOf(ends);
  const adding = useDutyChange((times: { starts_at: number; ends_at: number }) =>
    dataOf(http.POST("/api/v1/channels/{channel}/duty/shifts", { params: { path: { channel } }, body: { user, broadcast, note, ...times } })),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (from !== null && to !== null) adding.mutate({ starts_at: from, ends_at: to });
  };
  return (
    <form className={page.form} style={{ marginTop: 12 }} onSubmit={submit} data-testid="shift-form">
      <NativeSelect
        label={text.person}
        value={user}
        onChange={(event) => choose(event.currentTarget.value)}
        data={people.map((one) => ({ value: one.user, label: one.display_name === "" ? one.user : `${one.display_name} (${one.user})` }))}
      />
      <TextInput type="datetime-local" label={text.from} value={starts} onChange={(event) => setStarts(event.currentTarget.value)} />
      <TextInput type="datetime-local" label={text.to} value={ends} onChange={(event) => setEnds(event.currentTarget.value)} />
      <TextInput label={text.broadcast} maxLength={128} value={broadcast} onChange={(event) => setBroadcast(event.currentTarget.value)} />
      <TextInput label={text.note} maxLength={500} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      <Button type="submit" loading={adding.isPending} disabled={user === "" || from === null || to === null}>
        {text.plan}
      </Button>
      <ProblemLine error={adding.error} />
    </form>
  );
}
