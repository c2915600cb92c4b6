import { Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useChange, useChannels } from "../api/channels";
import { dataOf, http } from "../api/http";
import { TOKENS } from "../api/people";
import type { NewToken as Asked, Scope } from "../api/types";
import { useText } from "../i18n";
import { FormButtons, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import type { Made } from "./MadeToken";
import { DAYS, expiresAt, GROUPS, inOrder, type Lasts, scopesOf } from "./tokens";
import classes from "./Tokens.module.css";

/** The form for a token: what it may, where, and how long. */
export function NewToken({ onMade, onClose }: { onMade: (made: Made) => void; onClose: () => void }) {
  const words = useText().tokens;
  const channels = useChannels().data?.channels ?? [];
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["channel:cut"]);
  const [channel, setChannel] = useState("");
  const [lasts, setLasts] = useState<Lasts>("365");
  const [date, setDate] = useState("");
  const making = useChange((body: Asked) => dataOf(http.POST("/api/v1/tokens", { body })), TOKENS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body = {
      name: name.trim(),
      scopes: inOrder(scopes),
      channel: channel === "" ? null : channel,
      expires_at: expiresAt(lasts, date, Date.now() / 1_000),
    };
    making.mutate(body, { onSuccess: ({ token }) => onMade({ ...body, token }) });
  };
  const isReady = name.trim() !== "" && scopes.length > 0 && (lasts !== "date" || date !== "");
  return (
    <section className={page.card} aria-label={words.make} style={{ marginBottom: 12 }}>
      <form onSubmit={submit}>
        <div className={page.form}>
          <TextInput
            className={page.grow ?? ""}
            label={words.name}
            description={words.nameHint}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={64}
            autoComplete="off"
            spellCheck={false}
          />
          <NativeSelect
            label={words.channel}
            data={[{ value: "", label: words.allChannels }, ...channels.map((one) => one.name)]}
            value={channel}
            onChange={(event) => setChannel(event.currentTarget.value)}
          />
          <NativeSelect
            label={words.lasts}
            data={[
              ...DAYS.map((days) => ({ value: days, label: words.days(days) })),
              { value: "date", label: words.toDate },
              { value: "never", label: words.forever },
            ]}
            value={lasts}
            onChange={(event) => setLasts(event.currentTarget.value as Lasts)}
          />
          {lasts === "date" && (
            <TextInput type="date" label={words.date} value={date} onChange={(event) => setDate(event.currentTarget.value)} />
          )}
        </div>
        <Scopes chosen={scopes} onChange={setScopes} />
        <div className={page.row}>
          <FormButtons label={words.create} busy={making.isPending} disabled={!isReady} onCancel={onClose} />
        </div>
      </form>
      <ProblemLine error={making.error} />
    </section>
  );
}

function Scopes({ chosen, onChange }: { chosen: Scope[]; onChange: (scopes: Scope[]) => void }) {
  const words = useText().tokens;
  return (
    <div className={classes.groups}>
      {GROUPS.map((group) => (
        <fieldset key={group} className={classes.group}>
          <legend>{words.groups[group]}</legend>
          {scopesOf(group).map((scope) => (
            <Checkbox
              key={scope}
              size="xs"
              label={words.scopes[scope]}
              checked={chosen.includes(scope)}
              onChange={(event) =>
                onChange(event.currentTarget.checked ? [...chosen, scope] : chosen.filter((one) => one !== scope))
              }
            />
          ))}
        </fieldset>
      ))}
    </div>
  );
}
