import { Button, Checkbox } from "@mantine/core";
import "@mantine/core/styles/Checkbox.css";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useMay } from "../api/channels";
import { dataOf, http } from "../api/http";
import type { PracticeMark, PracticeResult } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import { Answer, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { when } from "../ui/people";
import table from "../ui/Table.module.css";
import classes from "./Duty.module.css";
import { useDutyChange, usePractice, useResults } from "./useDuty";

/** A practice: begun, followed, ended; and what the last ones showed. */
export function PracticePart() {
  const text = useText().duty;
  const language = useLanguage();
  const practice = usePractice(true);
  const starting = useDutyChange(() => dataOf(http.POST("/api/v1/practice", { body: {} })));
  const ending = useDutyChange(() => dataOf(http.DELETE("/api/v1/practice")));
  const { data } = practice;
  const running = data?.running ?? false;
  return (
    <section className={page.card} data-testid="practice" data-running={running}>
      <h2>{text.practice}</h2>
      <p className={page.hint}>{text.practiceHint}</p>
      <div className={page.row}>
        <Button
          size="xs"
          variant={running ? "default" : "filled"}
          loading={starting.isPending || ending.isPending}
          onClick={() => (running ? ending : starting).mutate()}
        >
          {running ? text.end : text.begin}
        </Button>
        {running && data !== undefined && (
          <>
            <Button size="xs" renderRoot={(props) => <Link {...props} to="/live/{-$channel}" params={{ channel: data.channel }} />}>
              {text.open}
            </Button>
            <output className={page.dim}>
              {text.byWhom(data.user)} · {text.running(data.marks.length, data.planned)}
            </output>
          </>
        )}
      </div>
      <ProblemLine error={starting.error ?? ending.error} />
      {data !== undefined && data.error !== "" && <p className={page.bad}>{say(language, data.error, data.error_zh)}</p>}
      {data !== undefined && data.marks.length > 0 && <Marks marks={data.marks} />}
      <Results />
    </section>
  );
}

function Marks({ marks }: { marks: PracticeMark[] }) {
  const text = useText().duty;
  return (
    <ul className={classes.marks}>
      {marks.map(({ number, kind, reaction_s }) => (
        <li key={number} data-missed={reaction_s === null}>
          {text.kinds[kind]} {reaction_s === null ? text.missed : text.seconds(reaction_s.toFixed(2))}
        </li>
      ))}
    </ul>
  );
}

function Results() {
  const text = useText().duty;
  const [all, showAll] = useState(false);
  const maySeeAll = useMay("duty:roster", "");
  const results = useResults(all, true);
  const listed = results.data?.practices ?? [];
  return (
    <>
      <h3>{text.results}</h3>
      {maySeeAll && <Checkbox label={text.everybody} checked={all} onChange={(event) => showAll(event.currentTarget.checked)} />}
      <Answer asked={results}>
        {listed.length === 0 ? (
          <p className={page.dim}>{text.noResults}</p>
        ) : (
          <table className={table.table}>
            <thead>
              <tr>
                <th scope="col">{text.person}</th>
                <th scope="col">{text.when}</th>
                <th scope="col">{text.kinds.picture}</th>
                <th scope="col">{text.kinds.sound}</th>
                <th scope="col">{text.note}</th>
              </tr>
            </thead>
            <tbody>
              {listed.map((one) => (
                <Result key={one.id} one={one} />
              ))}
            </tbody>
          </table>
        )}
      </Answer>
    </>
  );
}

function Result({ one }: { one: PracticeResult }) {
  const text = useText().duty;
  const language = useLanguage();
  const of = (kind: PracticeMark["kind"]) =>
    one.marks
      .filter((mark) => mark.kind === kind)
      .map(({ reaction_s }) => (reaction_s === null ? text.missed : text.seconds(reaction_s.toFixed(2))))
      .join(" · ");
  return (
    <tr>
      <th scope="row">{one.display_name === "" ? one.user : one.display_name}</th>
      <td data-label={text.when}>{when(one.started_at, language)}</td>
      <td data-label={text.kinds.picture}>{of("picture")}</td>
      <td data-label={text.kinds.sound}>{of("sound")}</td>
      <td className={page.dim}>
        {one.ended_at === null ? text.broken : one.false_presses > 0 ? text.falsePresses(one.false_presses) : ""}
      </td>
    </tr>
  );
}
