import { Button, TextInput } from "@mantine/core";
import { Fragment, useState } from "react";
import { useMay } from "../api/channels";
import { usePeople } from "../api/people";
import { useSession } from "../api/session";
import type { Person } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { Answer } from "../ui/Page";
import page from "../ui/Page.module.css";
import { when } from "../ui/people";
import table from "../ui/Table.module.css";
import { useFilters } from "../ui/useFilters";
import { findPeople, rolesInWords, standing } from "./grants";
import { PersonPanel } from "./PersonPanel";

/** A longer table is slow and nobody reads it: the search finds the rest. */
const MOST = 100;
const FILTERS = ["q"] as const;

/** Everybody who has an account, the disabled too; one of them unfolded, to be changed. */
export function PeopleTable() {
  const words = useText().people;
  const people = usePeople();
  const mayManage = useMay("people:manage");
  const [filters, filter] = useFilters(FILTERS);
  const [wanted, want] = useState(filters.q);
  const [open, unfold] = useState<string | null>(null);
  const inWords = ({ roles }: Person) => rolesInWords(roles, words, words.joins);
  const found = findPeople(people.data?.people ?? [], wanted, inWords);
  const shown = found.slice(0, MOST);
  return (
    <Answer asked={people}>
      <div className={page.form} style={{ marginBottom: 8 }}>
        <TextInput
          label={words.search}
          placeholder={words.searchHint}
          type="search"
          value={wanted}
          onChange={(event) => {
            want(event.currentTarget.value);
            filter({ q: event.currentTarget.value });
          }}
        />
      </div>
      {found.length === 0 ? (
        <p className={page.blank}>{words.empty}</p>
      ) : (
        <table className={table.table}>
          <thead>
            <tr>
              <th scope="col">{words.columns.person}</th>
              <th scope="col">{words.columns.roles}</th>
              <th scope="col">{words.columns.totp}</th>
              <th scope="col">{words.columns.last}</th>
              <th scope="col">{words.columns.state}</th>
              {mayManage && <th scope="col" aria-label={words.change} />}
            </tr>
          </thead>
          <tbody>
            {shown.map((person) => (
              <Fragment key={person.user}>
                <Row
                  person={person}
                  roles={inWords(person)}
                  mayManage={mayManage}
                  isOpen={open === person.user}
                  onTurn={() => unfold(open === person.user ? null : person.user)}
                />
                {mayManage && open === person.user && (
                  <tr>
                    <td colSpan={6}>
                      <PersonPanel person={person} />
                    </td>
                  </tr>
                )}
              </Fragment>
            ))}
          </tbody>
        </table>
      )}
      {found.length > MOST && <p className={page.dim}>{words.more(found.length - MOST)}</p>}
    </Answer>
  );
}

interface RowProps {
  person: Person;
  roles: string;
  mayManage: boolean;
  isOpen: boolean;
  onTurn: () => void;
}

function Row({ person, roles, mayManage, isOpen, onTurn }: RowProps) {
  const words = useText().people;
  const language = useLanguage();
  const session = useSession().data;
  const { user, display_name, totp, last_sign_in_at } = person;
  return (
    <tr data-person={user}>
      <th scope="row">
        {user}
        {session?.user === user && <span className={page.dim}> ({words.you})</span>}
        {display_name !== "" && <div className={page.dim}>{display_name}</div>}
      </th>
      <td data-label={words.columns.roles}>{roles}</td>
      <td data-label={words.columns.totp}>{totp ? words.totp.on : <span className={page.dim}>{words.totp.off}</span>}</td>
      <td data-label={words.columns.last}>
        {last_sign_in_at === null ? <span className={page.dim}>{words.neverIn}</span> : when(last_sign_in_at, language)}
      </td>
      <td data-label={words.columns.state}>
        <Standing person={person} />
      </td>
      {mayManage && (
        <td className={table.act}>
          <Button size="xs" variant="default" aria-expanded={isOpen} aria-label={words.changeName(user)} onClick={onTurn}>
            {isOpen ? words.close : words.change}
          </Button>
        </td>
      )}
    </tr>
  );
}

function Standing({ person }: { person: Person }) {
  const words = useText().people;
  const language = useLanguage();
  const state = standing(person);
  const isOver = state === "invitation_over" || state === "reset_over";
  const holds = state === "invited" || state === "reset";
  return (
    <>
      <span className={page.badge} data-tone={isOver ? "warn" : ""} data-standing={state}>
        {words.standing[state]}
      </span>
      {holds && <div className={page.dim}>{words.linkUntil(when(person.link_expires_at, language))}</div>}
    </>
  );
}
