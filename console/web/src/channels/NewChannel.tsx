import { NumberInput, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useChange } from "../api/channels";
import { dataOf, http } from "../api/http";
import type { StreamKey } from "../api/types";
import { useText } from "../i18n";
import { FormButtons, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";

interface Asked {
  name: string;
  delay_s: number;
}

/** The form for a channel that does not exist yet; its answer holds the stream key, once. */
export function NewChannel({ onMade, onClose }: { onMade: (made: StreamKey) => void; onClose: () => void }) {
  const text = useText();
  const [name, setName] = useState("");
  const [delay, setDelay] = useState<string | number>(30);
  const making = useChange((body: Asked) => dataOf(http.POST("/api/v1/channels", { body })));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    making.mutate({ name: name.trim(), delay_s: Number(delay) }, { onSuccess: onMade });
  };
  return (
    <section className={page.card} aria-label={text.channels.add} style={{ marginBottom: 12 }}>
      <form className={page.form} onSubmit={submit}>
        <TextInput
          className={page.grow ?? ""}
          label={text.channels.name}
          description={text.channels.nameHint}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        <NumberInput label={text.channels.delayLabel} value={delay} onChange={setDelay} suffix=" s" />
        <FormButtons
          label={text.channels.create}
          busy={making.isPending}
          disabled={name.trim() === ""}
          onCancel={onClose}
        />
      </form>
      <ProblemLine error={making.error} />
    </section>
  );
}
