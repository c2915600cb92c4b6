import { NativeSelect, PasswordInput, Switch, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useChange } from "../api/channels";
import { dataOf, http } from "../api/http";
import { useText } from "../i18n";
import { FormButtons, NotInForce, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { isHls } from "./address";

const EMPTY = { name: "", url: "", split: false };

/** The form for a new destination; it stays open, so that its outcome is seen. */
export function EnterForm({ channels, onClose }: { channels: string[]; onClose: () => void }) {
  const words = useText().destinationsScreen;
  const [channel, setChannel] = useState(channels[0] ?? "");
  const [asked, ask] = useState(EMPTY);
  const entering = useChange(({ name, url, split }: typeof EMPTY) =>
    dataOf(
      http.POST("/api/v1/channels/{channel}/destinations", {
        params: { path: { channel } },
        body: { name: name.trim() === "" ? null : name.trim(), url: url.trim(), split_headers: split },
      }),
    ),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    entering.mutate(asked, { onSuccess: () => ask(EMPTY) });
  };
  const entered = entering.data?.channel.destinations.at(-1)?.name;
  return (
    <section className={page.card} aria-label={words.add} style={{ marginBottom: 12 }}>
      <form onSubmit={submit}>
        <div className={page.form}>
          <NativeSelect
            label={words.channel}
            data={channels}
            value={channel}
            onChange={(event) => setChannel(event.currentTarget.value)}
          />
          <TextInput
            className={page.grow ?? ""}
            label={words.name}
            description={words.nameHint}
            value={asked.name}
            onChange={(event) => ask({ ...asked, name: event.currentTarget.value })}
            autoComplete="off"
            spellCheck={false}
          />
        </div>
        <PasswordInput
          mt={10}
          label={words.url}
          description={words.urlHint}
          value={asked.url}
          onChange={(event) => ask({ ...asked, url: event.currentTarget.value })}
          autoComplete="off"
          spellCheck={false}
        />
        {isHls(asked.url) && <output className={page.dim}>{words.hls}</output>}
        <div className={page.row} style={{ marginTop: 12 }}>
          <Switch
            className={page.grow ?? ""}
            label={words.split}
            description={words.splitHint}
            checked={asked.split}
            onChange={(event) => ask({ ...asked, split: event.currentTarget.checked })}
          />
          <FormButtons
            label={words.enter}
            busy={entering.isPending}
            disabled={asked.url.trim() === ""}
            onCancel={onClose}
          />
        </div>
      </form>
      <ProblemLine error={entering.error} />
      <NotInForce problem={entering.data?.not_in_force} />
      {entered !== undefined && entering.error === null && <output className={page.warn}>{words.entered(entered)}</output>}
    </section>
  );
}
