/** People: who has an account and what each may do; invitations, off-boarding, and the log of sign-ins. */
import "@mantine/core/styles/Checkbox.css";
import "@mantine/core/styles/Switch.css";
import { Button } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useMay } from "../api/channels";
import type { OneTimeLink as LinkMade } from "../api/types";
import { useText } from "../i18n";
import page from "../ui/Page.module.css";
import { Invite } from "./Invite";
import { OneTimeLink } from "./OneTimeLink";
import { PeopleTable } from "./PeopleTable";
import { SignInLog } from "./SignInLog";

const LOG = "sign-ins";

export function PeopleScreen() {
  const words = useText().people;
  const { part } = useParams({ strict: false });
  const mayManage = useMay("people:manage");
  const [inviting, invite] = useState(false);
  const [made, keep] = useState<LinkMade | null>(null);
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1>{words.title}</h1>
        {mayManage && part !== LOG && !inviting && (
          <Button size="xs" onClick={() => invite(true)}>
            {words.invite}
          </Button>
        )}
      </header>
      <nav className={page.parts} aria-label={words.partsLabel}>
        <Part to="/people" label={words.parts.people} />
        <Part to={`/people/${LOG}`} label={words.parts.signIns} />
      </nav>
      {part === LOG ? (
        <SignInLog />
      ) : (
        <>
          {made !== null && (
            <div style={{ marginBottom: 12 }}>
              <OneTimeLink key={made.token} made={made} onClose={() => keep(null)} />
            </div>
          )}
          {inviting && (
            <Invite
              onClose={() => invite(false)}
              onMade={(link) => {
                keep(link);
                invite(false);
              }}
            />
          )}
          <PeopleTable />
        </>
      )}
    </div>
  );
}

function Part({ to, label }: { to: string; label: string }) {
  return (
    <Link to={to} search={{}} className={page.part ?? ""} activeOptions={{ exact: true, includeSearch: false }}>
      {label}
    </Link>
  );
}
