import "@mantine/core/styles/Switch.css";
import { Button, NumberInput, Switch } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useChange, useMay } from "../api/channels";
import { dataOf, http } from "../api/http";
import { useChannel } from "../api/store";
import type { ChannelSettings } from "../api/types";
import { useText } from "../i18n";
import { NotInForce, ProblemLine, type Undoable } from "../ui/Page";
import page from "../ui/Page.module.css";
import { CommentsPart } from "./CommentsPart";

/** The delay, who restores, what is asked of comments, and the way out. */
export function SettingsPart({
  channel,
  onRemoved,
}: {
  channel: ChannelSettings;
  onRemoved: (removed: Undoable) => void;
}) {
  const text = useText();
  const may = useMay("channel:settings", channel.name);
  const { name } = channel;
  const path = { channel: name };
  const removing = useChange(() => dataOf(http.DELETE("/api/v1/channels/{channel}", { params: { path } })));
  const remove = () =>
    removing.mutate(undefined, {
      onSuccess: ({ undo }) => onRemoved({ undo, what: name }),
    });
  return (
    <>
      <DelayCard key={channel.delay_s} channel={channel} disabled={!may} />
      <RestoreCard channel={channel} disabled={!may} />
      <CommentsPart channel={name} />
      {may && (
        <section className={page.card}>
          <h2>{text.channels.removeTitle}</h2>
          <p className={page.hint}>{text.channels.removeHint}</p>
          <Button size="xs" variant="default" loading={removing.isPending} onClick={remove}>
            {text.channels.removeAction(name)}
          </Button>
          <ProblemLine error={removing.error} />
        </section>
      )}
    </>
  );
}

function DelayCard({ channel, disabled }: { channel: ChannelSettings; disabled: boolean }) {
  const text = useText();
  const { name, delay_s } = channel;
  const [delay, setDelay] = useState<string | number>(delay_s);
  const inForce = useChannel(name)?.delay_s;
  const changing = useChange((seconds: number) =>
    dataOf(http.PATCH("/api/v1/channels/{channel}", { params: { path: { channel: name } }, body: { delay_s: seconds } })),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    changing.mutate(Number(delay));
  };
  return (
    <section className={page.card}>
      <h2>{text.channels.delay}</h2>
      <p className={page.hint}>{text.channels.delayHint}</p>
      <form className={page.form} onSubmit={submit}>
        <NumberInput
          label={text.channels.delayLabel}
          value={delay}
          onChange={setDelay}
          suffix=" s"
          disabled={disabled}
        />
        <Button type="submit" loading={changing.isPending} disabled={disabled || Number(delay) === delay_s}>
          {text.shared.save}
        </Button>
        {inForce !== undefined && <span className={page.dim}>{text.channels.delayNow(String(inForce))}</span>}
      </form>
      <ProblemLine error={changing.error} />
      <NotInForce problem={changing.data?.not_in_force} />
    </section>
  );
}

/** Whether a cut ends only when a second person confirms the restore. */
function RestoreCard({ channel, disabled }: { channel: ChannelSettings; disabled: boolean }) {
  const text = useText();
  const { name, restore_needs_two } = channel;
  const changing = useChange((two: boolean) =>
    dataOf(
      http.PATCH("/api/v1/channels/{channel}", { params: { path: { channel: name } }, body: { restore_needs_two: two } }),
    ),
  );
  const shown = changing.isPending ? changing.variables : restore_needs_two;
  return (
    <section className={page.card}>
      <h2>{text.channels.restore}</h2>
      <p className={page.hint}>{text.channels.restoreHint}</p>
      <Switch
        label={text.channels.restoreByTwo}
        checked={shown}
        disabled={disabled}
        onChange={(event) => changing.mutate(event.currentTarget.checked)}
      />
      <ProblemLine error={changing.error} />
      <NotInForce problem={changing.data?.not_in_force} />
    </section>
  );
}
