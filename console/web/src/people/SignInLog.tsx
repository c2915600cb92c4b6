import { Button, NativeSelect, Switch } from "@mantine/core";
import { usePeople, useSignIns } from "../api/people";
import type { SignInRow } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { Answer } from "../ui/Page";
import page from "../ui/Page.module.css";
import { when } from "../ui/people";
import table from "../ui/Table.module.css";
import { useFilters } from "../ui/useFilters";
import { outcomeTone } from "./grants";

const PAGE = 100;
const FILTERS = ["who", "failed", "before"] as const;

/** Every try to sign in, in pages; filtered by name, and to those that failed. */
export function SignInLog() {
  const words = useText().people.log;
  const [{ who, failed, before }, filter] = useFilters(FILTERS);
  const people = usePeople().data?.people ?? [];
  const names = people.map(({ user }) => user);
  const signIns = useSignIns({
    limit: PAGE,
    ...(who === "" ? {} : { user: who }),
    ...(failed === "" ? {} : { failed: true }),
    ...(Number(before) > 0 ? { before: Number(before) } : {}),
  });
  const rows = signIns.data?.sign_ins ?? [];
  const last = rows.at(-1);
  return (
    <>
      <p className={page.hint}>{words.hint}</p>
      <div className={page.form} style={{ marginBottom: 8 }}>
        <NativeSelect
          label={words.who}
          data={[{ value: "", label: words.everybody }, ...(who === "" || names.includes(who) ? names : [who, ...names])]}
          value={who}
          onChange={(event) => filter({ who: event.currentTarget.value, before: "" })}
        />
        <Switch
          label={words.failedOnly}
          checked={failed !== ""}
          onChange={(event) => filter({ failed: event.currentTarget.checked ? "true" : "", before: "" })}
          pb={8}
        />
      </div>
      <Answer asked={signIns}>
        {rows.length === 0 ? <p className={page.blank}>{words.empty}</p> : <Table rows={rows} />}
        <div className={page.row} style={{ marginTop: 10 }}>
          {before !== "" && (
            <Button size="xs" variant="default" onClick={() => filter({ before: "" })}>
              {words.newest}
            </Button>
          )}
          {last !== undefined && rows.length === PAGE && (
            <Button size="xs" variant="default" onClick={() => filter({ before: String(last.id) })}>
              {words.older}
            </Button>
          )}
        </div>
      </Answer>
    </>
  );
}

function Table({ rows }: { rows: SignInRow[] }) {
  const words = useText().people.log;
  const language = useLanguage();
  return (
    <table className={table.table}>
      <thead>
        <tr>
          <th scope="col">{words.time}</th>
          <th scope="col">{words.name}</th>
          <th scope="col">{words.from}</th>
          <th scope="col">{words.outcome}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ id, at, username, address, result }) => (
          <tr key={id} data-result={result}>
            <td>{when(at, language, "medium")}</td>
            <th scope="row">{username}</th>
            <td className={page.mono} data-label={words.from}>
              {address}
            </td>
            <td>
              <span className={page.badge} data-tone={outcomeTone(result)}>
                {words.outcomes[result]}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
