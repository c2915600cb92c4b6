/** Settings in force, to be read: what they are and where each comes from. */
import "@mantine/core/styles/Switch.css";
import { Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { dataOf, http } from "../api/http";
import type { ShownSetting } from "../api/types";
import { useText } from "../i18n";
import { Answer } from "../ui/Page";
import page from "../ui/Page.module.css";
import classes from "../ui/Table.module.css";

export function SettingsScreen() {
  const text = useText();
  const words = text.settings;
  const settings = useQuery({
    queryKey: ["settings"],
    queryFn: () => dataOf(http.GET("/api/v1/settings")),
    retry: false,
  });
  const [filter, setFilter] = useState("");
  const [changedOnly, setChangedOnly] = useState(false);
  const wanted = filter.trim().toLowerCase();
  const shown = (settings.data?.settings ?? []).filter(
    ({ name, allowed, source }) =>
      `${name} ${allowed} ${words.meaning[name] ?? ""}`.toLowerCase().includes(wanted) && !(changedOnly && source === "default"),
  );
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1>{words.title}</h1>
      </header>
      <Answer asked={settings}>
        <p className={page.hint}>{words.hint(settings.data?.file ?? "")}</p>
        <div className={page.form} style={{ marginBottom: 12 }}>
          <TextInput label={words.filter} value={filter} onChange={(event) => setFilter(event.currentTarget.value)} />
          <Switch
            label={words.changedOnly}
            checked={changedOnly}
            onChange={(event) => setChangedOnly(event.currentTarget.checked)}
            pb={8}
          />
        </div>
        {shown.length === 0 ? <p className={page.blank}>{words.nothing}</p> : <Table settings={shown} />}
      </Answer>
    </div>
  );
}

function Table({ settings }: { settings: ShownSetting[] }) {
  const words = useText().settings;
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">{words.name}</th>
          <th scope="col">{words.value}</th>
          <th scope="col">{words.source}</th>
          <th scope="col">{words.allowed}</th>
        </tr>
      </thead>
      <tbody>
        {settings.map(({ name, value, source, allowed }) => (
          <tr key={name} data-setting={name}>
            <th scope="row" className={page.mono}>
              {name}
            </th>
            <td className={page.mono}>{value === "" ? <span className={page.dim}>{words.off}</span> : value}</td>
            <td>
              <span className={page.badge} data-tone={source === "default" ? "" : "good"}>
                {words.sources[source]}
              </span>
            </td>
            <td className={page.dim}>{words.meaning[name] ?? allowed}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
