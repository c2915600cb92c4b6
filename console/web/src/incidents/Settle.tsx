/** The two other ways out of a draft: part of another incident, or dismissed. Both need a reason. */
import { NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { useChange } from "../api/channels";
import { dataOf, http } from "../api/http";
import type { Incident } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { AskOnce } from "../ui/AskOnce";
import page from "../ui/Page.module.css";
import { when } from "../ui/people";
import { joinable } from "./incidents";
import { INCIDENTS } from "./useIncidents";

export function Settle({ one, all }: { one: Incident; all: readonly Incident[] }) {
  const words = useText().incidents;
  const language = useLanguage();
  const [reason, setReason] = useState("");
  const others = joinable(one, all);
  const [chosen, choose] = useState("");
  const into = chosen === "" ? (others[0]?.id ?? "") : chosen;
  const path = { params: { path: { channel: one.channel, incident: one.id } } };
  const joining = useChange(
    () => dataOf(http.POST("/api/v1/incidents/{channel}/{incident}/join", { ...path, body: { into, reason } })),
    INCIDENTS,
  );
  const dismissing = useChange(
    () => dataOf(http.POST("/api/v1/incidents/{channel}/{incident}/dismiss", { ...path, body: { reason } })),
    INCIDENTS,
  );
  const why = <TextInput label={words.reason} value={reason} maxLength={500} onChange={(event) => setReason(event.currentTarget.value)} />;
  return (
    <section className={page.card}>
      <div className={page.row}>
        {others.length > 0 && (
          <AskOnce
            label={words.join}
            warning=""
            sure={words.joinSure}
            pending={joining.isPending}
            error={joining.error}
            onSure={() => joining.mutate(undefined)}
          >
            <NativeSelect
              label={words.joinInto}
              value={into}
              onChange={(event) => choose(event.currentTarget.value)}
              data={others.map(({ id, kind, happened }) => ({
                value: id,
                label: `${when(happened, language, "medium")} ${words.kinds[kind]}`,
              }))}
            />
            {why}
          </AskOnce>
        )}
        <AskOnce
          label={words.dismiss}
          warning=""
          sure={words.dismissSure}
          pending={dismissing.isPending}
          error={dismissing.error}
          onSure={() => dismissing.mutate(undefined)}
        >
          {why}
        </AskOnce>
      </div>
    </section>
  );
}
