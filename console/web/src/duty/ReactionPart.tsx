import { Button, NumberInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { dataOf, http } from "../api/http";
import type { Reaction } from "../api/types";
import { useText } from "../i18n";
import { Answer, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { useDutyChange, useReaction } from "./useDuty";

const KINDS = ["picture", "sound"] as const;

/** One's own reaction time: measured, or set by hand. */
export function ReactionPart() {
  const text = useText().duty;
  const reaction = useReaction();
  return (
    <section className={page.card} data-testid="reaction">
      <h2>{text.reaction}</h2>
      <p className={page.hint}>{text.reactionHint}</p>
      <Answer asked={reaction}>
        {reaction.data !== undefined && KINDS.map((kind) => <Kind key={`${kind} ${reaction.data[kind].chosen_s}`} kind={kind} one={reaction.data[kind]} />)}
      </Answer>
    </section>
  );
}

function Kind({ kind, one }: { kind: (typeof KINDS)[number]; one: Reaction }) {
  const text = useText();
  const [value, setValue] = useState<string | number>(one.chosen_s ?? "");
  const choosing = useDutyChange((chosen_s: number | null) => dataOf(http.PUT("/api/v1/me/reaction", { body: { kind, chosen_s } })));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (value !== "") choosing.mutate(Number(value));
  };
  return (
    <form className={page.form} style={{ marginBottom: 8 }} onSubmit={submit} data-kind={kind}>
      <NumberInput label={text.duty.own(text.duty.kinds[kind])} value={value} min={0} max={10} step={0.1} decimalScale={2} onChange={setValue} />
      <Button type="submit" loading={choosing.isPending} disabled={value === "" || Number(value) === one.chosen_s}>
        {text.shared.save}
      </Button>
      {one.chosen_s !== null && (
        <Button variant="default" onClick={() => choosing.mutate(null)}>
          {text.duty.clear}
        </Button>
      )}
      <span className={page.dim}>
        {one.measured_s === null ? text.duty.notMeasured : text.duty.measured(one.measured_s.toFixed(2), one.marks)}
      </span>
      <ProblemLine error={choosing.error} />
    </form>
  );
}
