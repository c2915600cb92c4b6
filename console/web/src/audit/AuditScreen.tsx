/** The audit: every decision on record, found by filters, and up to when the ledger is proven (rules R17, R27). */
import { Button, Loader } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useSession } from "../api/session";
import type { AuditPage } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import { ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import classes from "./Audit.module.css";
import { FilterBar } from "./FilterBar";
import { exportAddress, type Filters, readSearch, toSearch } from "./filters";
import { ProofBanner } from "./ProofBanner";
import { Records } from "./Records";
import { useRecords } from "./useAudit";

export function AuditScreen() {
  const words = useText().audit;
  const language = useLanguage();
  const session = useSession().data;
  const mayCheck = session?.rights.includes("audit:read") ?? false;
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const go = useNavigate();
  const filters = useMemo(() => readSearch(search), [search]);
  const change = (changed: Filters) => void go({ to: "/audit", search: toSearch(changed) as never });
  return (
    <div className={`${page.page} ${page.wide}`}>
      <header className={page.head}>
        <h1>{words.title}</h1>
        {mayCheck && (
          <Button size="xs" component="a" variant="default" href={`/api/v1/selfcheck?format=html&lang=${language}`} target="_blank">
            {words.selfCheck}
          </Button>
        )}
        <Button size="xs" component="a" variant="default" href={exportAddress(filters)} download title={words.exportHint}>
          {words.exportAll}
        </Button>
      </header>
      <p className={page.hint}>{words.hint}</p>
      <ProofBanner />
      <FilterBar filters={filters} onChange={change} />
      <Pages key={JSON.stringify(filters)} filters={filters} />
    </div>
  );
}

/** A page at a time: the newest first, older ones behind it. */
function Pages({ filters }: { filters: Filters }) {
  const words = useText().audit;
  const [cursors, setCursors] = useState([""]);
  const asked = useRecords(filters, cursors.at(-1) ?? "");
  const next = asked.data?.next ?? null;
  return (
    <section aria-label={words.title} aria-busy={asked.isFetching}>
      <ProblemLine error={asked.error} />
      {asked.isFetching && (
        <div className={classes.searching}>
          <Loader size="xs" color="gray" />
          <output>{asked.day === "" ? "" : words.searching(asked.day)}</output>
          {asked.day !== "" && (
            <Button size="xs" variant="default" onClick={asked.stop}>
              {words.stop}
            </Button>
          )}
        </div>
      )}
      {asked.data === undefined && !asked.isFetching && asked.error === null && <p className={page.blank}>{words.stopped}</p>}
      {asked.data !== undefined && <Found found={asked.data} />}
      <nav className={classes.pages} aria-label={words.page(cursors.length)}>
        <Button size="xs" variant="default" disabled={cursors.length < 2} onClick={() => setCursors(cursors.slice(0, -1))}>
          {words.newer}
        </Button>
        <span>{words.page(cursors.length)}</span>
        <Button size="xs" variant="default" disabled={next === null} onClick={() => next !== null && setCursors([...cursors, next])}>
          {words.older}
        </Button>
        <Button size="xs" variant="subtle" onClick={() => void asked.refetch()}>
          {words.renew}
        </Button>
      </nav>
    </section>
  );
}

function Found({ found }: { found: AuditPage }) {
  const words = useText().audit;
  const language = useLanguage();
  return (
    <>
      {found.faults.length > 0 && (
        <div className={page.warn} role="alert">
          {words.faults}
          <ul>
            {found.faults.map(({ file, line, error, error_zh }) => (
              <li key={`${file}:${line}`}>
                {words.faultAt(file, line)}: {say(language, error, error_zh)}
              </li>
            ))}
          </ul>
        </div>
      )}
      {found.records.length === 0 ? <p className={page.blank}>{words.nothing}</p> : <Records records={found.records} />}
    </>
  );
}
