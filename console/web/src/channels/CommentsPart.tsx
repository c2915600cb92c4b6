import { Button, NumberInput, Switch } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useMay } from "../api/channels";
import { dataOf, http, type ProblemError } from "../api/http";
import { useText } from "../i18n";
import { INTERACTION, type InteractionView, READ } from "../review/types";
import { ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";

const NUMBERS = ["queue_limit", "stages", "window_s", "max_chars", "slow_s"] as const;
type Numbers = Record<(typeof NUMBERS)[number], number | string>;
/** The least and the most that the server takes. */
const BOUNDS: Record<(typeof NUMBERS)[number], readonly [number, number]> = {
  queue_limit: [1, 50_000],
  stages: [1, 3],
  window_s: [0, 600],
  max_chars: [1, 2000],
  slow_s: [0, 3600],
};

/** What a channel asks of comments and their review. What is open now is switched on the Review screen. */
export function CommentsPart({ channel }: { channel: string }) {
  const words = useText().channels.comments;
  const may = useMay(READ, channel);
  const path = { channel };
  const view = useQuery<InteractionView, ProblemError>({
    queryKey: ["interaction", channel],
    queryFn: () => dataOf(http.GET("/api/v1/review/{channel}/interaction", { params: { path } })),
    enabled: may,
    retry: false,
  });
  if (!may) return null;
  return (
    <section className={page.card} data-testid="comments-settings">
      <h2>{words.title}</h2>
      <p className={page.hint}>{words.hint}</p>
      <ProblemLine error={view.error} />
      {view.data !== undefined && <Form key={JSON.stringify(view.data)} channel={channel} view={view.data} changed={() => void view.refetch()} />}
    </section>
  );
}

function Form({ channel, view, changed }: { channel: string; view: InteractionView; changed: () => void }) {
  const text = useText();
  const words = text.channels.comments;
  const disabled = !useMay(INTERACTION, channel);
  const [numbers, set] = useState<Numbers>(view);
  const [told, setTold] = useState(view.authors_told);
  const saving = useMutation<InteractionView, ProblemError>({
    mutationFn: () => {
      const wanted = NUMBERS.filter((name) => Number(numbers[name]) !== view[name]);
      const body = Object.fromEntries(wanted.map((name) => [name, Number(numbers[name])]));
      const asked = told === view.authors_told ? body : { ...body, authors_told: told };
      return dataOf(http.PUT("/api/v1/review/{channel}/interaction", { params: { path: { channel } }, body: asked }));
    },
    onSuccess: changed,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate();
  };
  const fits = (name: (typeof NUMBERS)[number]) => {
    const [least, most] = BOUNDS[name];
    return numbers[name] !== "" && Number(numbers[name]) >= least && Number(numbers[name]) <= most;
  };
  const same = NUMBERS.every((name) => Number(numbers[name]) === view[name]) && told === view.authors_told;
  return (
    <form onSubmit={submit}>
      <div className={page.form}>
        {NUMBERS.map((name) => (
          <NumberInput
            key={name}
            label={words[name]}
            value={numbers[name]}
            onChange={(value) => set({ ...numbers, [name]: value })}
            suffix={name.endsWith("_s") ? " s" : ""}
            clampBehavior="none"
            error={fits(name) ? null : words.bounds(...BOUNDS[name])}
            disabled={disabled}
          />
        ))}
      </div>
      <Switch label={words.authors_told} checked={told} disabled={disabled} onChange={(event) => setTold(event.currentTarget.checked)} my={10} />
      <Button type="submit" loading={saving.isPending} disabled={disabled || same || !NUMBERS.every(fits)}>
        {text.shared.save}
      </Button>
      <ProblemLine error={saving.error} />
    </form>
  );
}
