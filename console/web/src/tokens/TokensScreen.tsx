/** Tokens of programs: what each may and when it was used; made (the secret is shown once) and revoked here. */
import "@mantine/core/styles/Checkbox.css";
import "@mantine/core/styles/Switch.css";
import { Button, Switch } from "@mantine/core";
import { useState } from "react";
import { useMay } from "../api/channels";
import { useTokens } from "../api/people";
import { useText } from "../i18n";
import { Answer } from "../ui/Page";
import page from "../ui/Page.module.css";
import { useFilters } from "../ui/useFilters";
import { type Made, MadeToken } from "./MadeToken";
import { NewToken } from "./NewToken";
import { isInForce } from "./tokens";
import { TokensTable } from "./TokensTable";

const FILTERS = ["ended"] as const;

export function TokensScreen() {
  const words = useText().tokens;
  const tokens = useTokens();
  const mayManage = useMay("tokens:manage");
  const [{ ended }, filter] = useFilters(FILTERS);
  const [making, make] = useState(false);
  const [made, keep] = useState<Made | null>(null);
  const nowS = tokens.dataUpdatedAt / 1_000;
  const all = tokens.data?.tokens ?? [];
  const shown = ended === "" ? all.filter((token) => isInForce(token, nowS)) : all;
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1>{words.title}</h1>
        {mayManage && !making && (
          <Button size="xs" onClick={() => make(true)}>
            {words.make}
          </Button>
        )}
      </header>
      <p className={page.hint}>{words.hint}</p>
      {made !== null && <MadeToken key={made.token} made={made} onClose={() => keep(null)} />}
      {making && (
        <NewToken
          onClose={() => make(false)}
          onMade={(token) => {
            keep(token);
            make(false);
          }}
        />
      )}
      <Answer asked={tokens}>
        <Switch
          label={words.ended}
          checked={ended !== ""}
          onChange={(event) => filter({ ended: event.currentTarget.checked ? "true" : "" })}
          mb={8}
        />
        {shown.length === 0 ? (
          <p className={page.blank}>{words.empty}</p>
        ) : (
          <TokensTable tokens={shown} nowS={nowS} mayRevoke={mayManage} />
        )}
      </Answer>
    </div>
  );
}
