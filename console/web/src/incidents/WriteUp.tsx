/** The one form of an incident: filled in beforehand as far as is known, sent with Ctrl+Enter. */
import { Textarea } from "@mantine/core";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useChange } from "../api/channels";
import { dataOf, http } from "../api/http";
import type { Incident, WrittenUp } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { FormButtons, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import classes from "./Incidents.module.css";
import { firstWords } from "./incidents";
import { INCIDENTS } from "./useIncidents";

const MOST = 4_000;

/** `onSaved`: it is written up. A draft takes the focus: whoever opens one has come for this form. */
export function WriteUp({ one, onSaved }: { one: Incident; onSaved: () => void }) {
  const words = useText().incidents;
  const language = useLanguage();
  const [said, say] = useState(() => firstWords(one, language));
  const { channel, id: incident } = one;
  const completing = useChange(
    (body: WrittenUp) =>
      dataOf(http.POST("/api/v1/incidents/{channel}/{incident}/complete", { params: { path: { channel, incident } }, body })),
    INCIDENTS,
  );
  const form = useRef<HTMLFormElement>(null);
  const isDraft = one.state === "draft";
  useEffect(() => {
    if (isDraft) form.current?.querySelector<HTMLInputElement>("input:checked")?.focus({ preventScroll: true });
  }, [isDraft]);
  const ready = said.words.trim() !== "";
  // Of a promise: by then the list is read anew, and this form has made way for another one.
  const send = () => {
    if (ready && !completing.isPending) void completing.mutateAsync(said).then(onSaved, () => undefined);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  };
  return (
    <section className={page.card}>
      <h2>{one.state === "completed" ? words.again : words.form}</h2>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Ctrl+Enter in any of its fields */}
      <form ref={form} onSubmit={submit} onKeyDown={onKeyDown} data-testid="write-up">
        <Choice legend={words.category} name="category" options={words.categories} chosen={said.category} onChoose={(category) => say({ ...said, category })} />
        <Choice legend={words.level} name="level" options={words.levels} chosen={said.level} onChoose={(level) => say({ ...said, level })} />
        <Choice legend={words.aired} name="aired" options={words.airedWords} chosen={said.aired} onChoose={(aired) => say({ ...said, aired })} />
        <Textarea
          label={words.words}
          value={said.words}
          onChange={(event) => say({ ...said, words: event.currentTarget.value })}
          maxLength={MOST}
          minRows={2}
          rows={3}
          required
        />
        <Textarea
          mt={8}
          label={words.measures}
          value={said.measures}
          onChange={(event) => say({ ...said, measures: event.currentTarget.value })}
          maxLength={MOST}
          rows={2}
        />
        <div className={page.row} style={{ marginTop: 10 }}>
          <FormButtons label={words.save} busy={completing.isPending} disabled={!ready} />
          <span className={page.dim}>{words.saveHint}</span>
          {completing.isSuccess && <output className={page.good}>{words.saved}</output>}
        </div>
      </form>
      <ProblemLine error={completing.error} />
    </section>
  );
}

interface ChoiceProps<T extends string> {
  legend: string;
  name: string;
  options: Readonly<Record<T, string>>;
  chosen: T;
  onChoose: (value: T) => void;
}

function Choice<T extends string>({ legend, name, options, chosen, onChoose }: ChoiceProps<T>) {
  const values = Object.keys(options) as T[];
  return (
    <fieldset className={classes.choice}>
      <legend>{legend}</legend>
      {values.map((value) => (
        <label key={value}>
          <input type="radio" name={name} checked={value === chosen} onChange={() => onChoose(value)} />
          {options[value]}
        </label>
      ))}
    </fieldset>
  );
}
