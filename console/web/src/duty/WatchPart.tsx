import { Button, NativeSelect, NumberInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useChange, useChannels, useMay } from "../api/channels";
import { dataOf, http } from "../api/http";
import type { ChannelSettings } from "../api/types";
import { useText } from "../i18n";
import { NotInForce, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";

const MODES = ["off", "alarm", "backup"] as const;

/** What happens when nobody on duty is there. */
export function WatchPart({ channel }: { channel: string }) {
  const settings = useChannels().data?.channels.find(({ name }) => name === channel);
  if (settings === undefined) return null;
  const { duty_watch, duty_ask_min, duty_absent_s } = settings;
  return <Form key={`${duty_watch} ${duty_ask_min} ${duty_absent_s}`} settings={settings} />;
}

function Form({ settings }: { settings: ChannelSettings }) {
  const text = useText();
  const may = useMay("channel:settings", settings.name);
  const [watch, setWatch] = useState(settings.duty_watch);
  const [ask, setAsk] = useState<string | number>(settings.duty_ask_min);
  const [absent, setAbsent] = useState<string | number>(settings.duty_absent_s);
  const changing = useChange(() =>
    dataOf(
      http.PATCH("/api/v1/channels/{channel}", {
        params: { path: { channel: settings.name } },
        body: { duty_watch: watch, duty_ask_min: Number(ask), duty_absent_s: Number(absent) },
      }),
    ),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    changing.mutate(undefined);
  };
  const same = watch === settings.duty_watch && Number(ask) === settings.duty_ask_min && Number(absent) === settings.duty_absent_s;
  return (
    <section className={page.card} data-testid="watch">
      <h2>{text.duty.watch}</h2>
      <p className={page.hint}>{text.duty.watchHint}</p>
      <form className={page.form} onSubmit={submit}>
        <NativeSelect
          label={text.duty.mode}
          disabled={!may}
          value={watch}
          data={MODES.map((mode) => ({ value: mode, label: text.duty.modes[mode] }))}
          onChange={(event) => setWatch(MODES.find((mode) => mode === event.currentTarget.value) ?? watch)}
        />
        <NumberInput label={text.duty.askMin} disabled={!may} value={ask} min={1} max={60} onChange={setAsk} />
        <NumberInput label={text.duty.absentS} disabled={!may} value={absent} min={20} max={3600} onChange={setAbsent} />
        <Button type="submit" loading={changing.isPending} disabled={!may || same}>
          {text.shared.save}
        </Button>
      </form>
      <ProblemLine error={changing.error} />
      <NotInForce problem={changing.data?.not_in_force} />
    </section>
  );
}
