/** Reporting upward (逐级上报): where the report stands, who was notified, the follow-up log, and the next step of it. */
import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useChange } from "../api/channels";
import { dataOf, http } from "../api/http";
import type { Incident } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import { ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { byWhom, when } from "../ui/people";
import { INCIDENTS } from "./useIncidents";

type Act = "report" | "acknowledge" | "follow-up" | "close";

export function EscalationPart({ one, hasChain, mayWrite }: { one: Incident; hasChain: boolean; mayWrite: boolean }) {
  const text = useText();
  const words = text.incidents.upward;
  const language = useLanguage();
  const report = one.escalation;
  const canReport = report === null && (one.state === "draft" || one.state === "completed");
  if (report === null && (!mayWrite || !canReport)) return null;
  return (
    <section className={page.card} data-testid="upward">
      <h2>{words.title}</h2>
      {report !== null && (
        <>
          <p className={report.state === "reported" ? page.warn : page.dim}>
            {report.state === "reported" && words.waits(report.steps[report.step]?.name ?? "", when(report.due_at, language, "medium"))}
            {report.state === "acknowledged" && words.taken(byWhom(report.acknowledged_by, text), when(report.acknowledged_at, language))}
            {report.state === "closed" && words.closed(byWhom(report.closed_by, text), when(report.closed_at, language))}
          </p>
          <ul>
            {report.notified.map(({ step, person, state, tries, error, error_zh, next_at }) => (
              <li key={`${step} ${person}`} className={error === "" ? page.dim : page.bad} data-person={person} data-state={state}>
                {report.steps[step]?.name} · {person}: {words.states[state]}
                {error !== "" && ` · ${words.tries(tries)} · ${say(language, error, error_zh)}`}
                {next_at > 0 && error !== "" && ` · ${words.next(when(next_at, language, "medium"))}`}
              </li>
            ))}
          </ul>
          <ol>
            {report.follow_up.map(({ at, by, words: said }) => (
              <li key={`${at} ${said}`}>
                {when(at, language)} {byWhom(by, text)}: {said}
              </li>
            ))}
          </ol>
        </>
      )}
      {canReport && !hasChain && <p className={page.dim}>{words.noChain}</p>}
      {mayWrite && (report !== null || hasChain) && report?.state !== "closed" && <Say one={one} />}
    </section>
  );
}

function Say({ one }: { one: Incident }) {
  const words = useText().incidents.upward;
  const [said, write] = useState("");
  const path = { params: { path: { channel: one.channel, incident: one.id } } };
  const acting = useChange((act: Act) => {
    const body = { words: said };
    if (act === "report") return dataOf(http.POST("/api/v1/incidents/{channel}/{incident}/escalate", { ...path, body }));
    if (act === "acknowledge") return dataOf(http.POST("/api/v1/incidents/{channel}/{incident}/acknowledge", { ...path, body }));
    if (act === "close") return dataOf(http.POST("/api/v1/incidents/{channel}/{incident}/close", { ...path, body }));
    return dataOf(http.POST("/api/v1/incidents/{channel}/{incident}/follow-up", { ...path, body }));
  }, INCIDENTS);
  const state = one.escalation?.state;
  const first: Act = state === undefined ? "report" : state === "reported" ? "acknowledge" : "follow-up";
  const press = (act: Act) => acting.mutate(act, { onSuccess: () => write("") });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    press(first);
  };
  return (
    <form onSubmit={submit}>
      <div className={page.form}>
        <TextInput className={page.grow ?? ""} label={words.words} value={said} maxLength={500} onChange={(event) => write(event.currentTarget.value)} />
        <Button type="submit" loading={acting.isPending} disabled={first === "follow-up" && said.trim() === ""}>
          {words.acts[first]}
        </Button>
        {state === "reported" && (
          <Button variant="default" disabled={said.trim() === ""} onClick={() => press("follow-up")}>
            {words.acts["follow-up"]}
          </Button>
        )}
        {state === "acknowledged" && (
          <Button variant="default" disabled={said.trim() === ""} onClick={() => press("close")}>
            {words.acts.close}
          </Button>
        )}
      </div>
      <ProblemLine error={acting.error} />
    </form>
  );
}
