import { Button, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, useId, useState } from "react";
import { useConsole } from "../api/store";
import { useText } from "../i18n";
import classes from "./Audit.module.css";
import { type Filters, GROUPS, localOf, MOST, NO_FILTERS, OUTCOMES, sinceDay } from "./filters";

interface Props {
  filters: Filters;
  onChange: (filters: Filters) => void;
}

/** The filters. Choices count at once, what is typed with Enter or when the field is left. */
export function FilterBar({ filters, onChange }: Props) {
  const words = useText().audit;
  const [draft, setDraft] = useState(filters);
  const [shown, show] = useState(filters);
  if (shown !== filters) {
    show(filters);
    setDraft(filters);
  }
  const channels = useConsole((state) => state.channels);
  const names = useId();
  const apply = (change: Partial<Filters>) => onChange({ ...draft, ...change });
  const typed = (name: "person" | "channel" | "text") => ({
    label: words[name],
    value: draft[name],
    maxLength: MOST[name],
    autoComplete: "off",
    spellCheck: false,
    onChange: (event: FormEvent<HTMLInputElement>) => setDraft({ ...draft, [name]: event.currentTarget.value }),
    onBlur: () => draft[name] !== filters[name] && apply({}),
  });
  const time = (name: "from" | "until") => ({
    type: "datetime-local",
    className: classes.time ?? "",
    label: words[name],
    value: draft[name],
    onChange: (event: FormEvent<HTMLInputElement>) => setDraft({ ...draft, [name]: event.currentTarget.value }),
    onBlur: () => draft[name] !== filters[name] && apply({}),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    apply({});
  };
  return (
    <search>
    <form className={classes.filters} onSubmit={submit}>
      <div className={classes.fields}>
        <TextInput size="xs" {...typed("person")} />
        <TextInput size="xs" {...typed("channel")} list={names} />
        <datalist id={names}>
          {channels.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </datalist>
        <NativeSelect
          size="xs"
          label={words.group}
          value={draft.group}
          data={GROUPS.map((value) => ({ value, label: words.groups[value] }))}
          onChange={(event) => apply({ group: event.currentTarget.value as Filters["group"] })}
        />
        <ActionSelect value={draft.action} onChange={(action) => apply({ action })} />
        <NativeSelect
          size="xs"
          label={words.outcome}
          value={draft.outcome}
          data={OUTCOMES.map((value) => ({ value, label: words.outcomes[value] }))}
          onChange={(event) => apply({ outcome: event.currentTarget.value as Filters["outcome"] })}
        />
        <TextInput size="xs" {...typed("text")} placeholder={words.textHint} className={classes.wide ?? ""} />
      </div>
      <div className={classes.fields}>
        <TextInput size="xs" {...time("from")} />
        <TextInput size="xs" {...time("until")} />
        <Picks filters={filters} onChange={onChange} />
        <div className={classes.buttons}>
          <Button size="xs" type="submit">
            {words.search}
          </Button>
          <Button size="xs" variant="default" onClick={() => onChange(NO_FILTERS)}>
            {words.clear}
          </Button>
        </div>
      </div>
    </form>
    </search>
  );
}

function ActionSelect({ value, onChange }: { value: string; onChange: (action: string) => void }) {
  const words = useText().audit;
  const groups = Object.values(words.actions);
  const known = groups.some(({ of }) => value in of);
  return (
    <NativeSelect size="xs" label={words.action} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      <option value="">{words.anyAction}</option>
      {value !== "" && !known && <option value={value}>{value}</option>}
      {groups.map(({ label, of }) => (
        <optgroup key={label} label={label}>
          {Object.entries(of).map(([action, name]) => (
            <option key={action} value={action}>
              {name}
            </option>
          ))}
        </optgroup>
      ))}
    </NativeSelect>
  );
}

/** Times that are asked for most. */
function Picks({ filters, onChange }: Props) {
  const words = useText().audit;
  const channels = useConsole((state) => state.channels);
  const onAir = channels.find((one) => one.on_air_s !== null && (filters.channel === "" || one.name === filters.channel));
  const since = (from: string, more: Partial<Filters> = {}) => onChange({ ...filters, from, until: "", ...more });
  const broadcast = () => {
    if (typeof onAir?.on_air_s !== "number") return;
    since(localOf(new Date(Date.now() - onAir.on_air_s * 1_000)), { channel: onAir.name });
  };
  const [now] = useState(() => new Date());
  const picks = [
    { name: words.always, chosen: filters.from === "" && filters.until === "", pick: () => since("") },
    { name: words.today, chosen: filters.from === sinceDay(now, 0) && filters.until === "", pick: () => since(sinceDay(now, 0)) },
    { name: words.week, chosen: filters.from === sinceDay(now, 6) && filters.until === "", pick: () => since(sinceDay(now, 6)) },
  ];
  return (
    <fieldset className={classes.picks} aria-label={words.picks}>
      {picks.map(({ name, chosen, pick }) => (
        <button key={name} type="button" className={classes.pick} aria-pressed={chosen} onClick={pick}>
          {name}
        </button>
      ))}
      <button
        type="button"
        className={classes.pick}
        disabled={onAir === undefined}
        title={onAir === undefined ? words.noBroadcast : onAir.name}
        onClick={broadcast}
      >
        {words.broadcast}
      </button>
    </fieldset>
  );
}
