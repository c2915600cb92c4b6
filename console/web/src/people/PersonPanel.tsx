import { Button, Checkbox, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useChange } from "../api/channels";
import { dataOf, http } from "../api/http";
import { PEOPLE } from "../api/people";
import { useSession } from "../api/session";
import type { OneTimeLink as LinkMade, Person } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { AskOnce } from "../ui/AskOnce";
import { ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { byWhom, when } from "../ui/people";
import { isSame } from "./grants";
import { OneTimeLink } from "./OneTimeLink";
import classes from "./People.module.css";
import { RolesField } from "./RolesField";

/** What can be changed about a person. Of the own account: name and roles alone. */
export function PersonPanel({ person }: { person: Person }) {
  const text = useText();
  const words = text.people;
  const language = useLanguage();
  const session = useSession().data;
  return (
    <div className={classes.panel} data-testid="panel">
      <RolesPart person={person} />
      <div>
        {session?.user === person.user ? (
          <p className={page.hint}>{words.own}</p>
        ) : (
          <>
            {!person.disabled && <ResetPart person={person} />}
            <OffboardPart person={person} />
          </>
        )}
        <p className={page.dim}>
          {words.invitedBy(byWhom(person.created_by, text), when(person.created_at, language))}
        </p>
      </div>
    </div>
  );
}

interface Changed {
  display_name?: string;
  roles?: string[];
  disabled?: boolean;
}

function useChangePerson(username: string) {
  return useChange(
    (body: Changed) => dataOf(http.PATCH("/api/v1/users/{username}", { params: { path: { username } }, body })),
    PEOPLE,
  );
}

function RolesPart({ person }: { person: Person }) {
  const text = useText();
  const words = text.people;
  const [shownName, setShownName] = useState(person.display_name);
  const [roles, setRoles] = useState<string[]>(person.roles);
  const saving = useChangePerson(person.user);
  const change: Changed = {};
  if (shownName.trim() !== person.display_name) change.display_name = shownName.trim();
  if (!isSame(roles, person.roles)) change.roles = roles;
  const isUnchanged = Object.keys(change).length === 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate(change);
  };
  return (
    <form onSubmit={submit}>
      <TextInput
        label={words.shownName}
        value={shownName}
        onChange={(event) => setShownName(event.currentTarget.value)}
        maxLength={128}
        autoComplete="off"
      />
      <RolesField grants={roles} onChange={setRoles} />
      <div className={page.row}>
        <Button size="xs" type="submit" loading={saving.isPending} disabled={isUnchanged || roles.length === 0}>
          {text.shared.save}
        </Button>
        <output className={page.dim}>{saving.isSuccess && isUnchanged ? words.saved : ""}</output>
      </div>
      <ProblemLine error={saving.error} />
    </form>
  );
}

/** A new link: for a password to be chosen anew, or for an invitation that was lost. */
function ResetPart({ person }: { person: Person }) {
  const words = useText().people;
  const { user, invited, totp } = person;
  const [forget, setForget] = useState(false);
  const [made, keep] = useState<LinkMade | null>(null);
  const resetting = useChange(
    (body: { totp: boolean }) =>
      dataOf(http.POST("/api/v1/users/{username}/reset", { params: { path: { username: user } }, body })),
    PEOPLE,
  );
  return (
    <section>
      <h3>{words.signInTitle}</h3>
      {made === null ? (
        <AskOnce
          label={invited ? words.newInvitation : words.reset}
          name={invited ? words.newInvitationName(user) : words.resetName(user)}
          warning={invited ? words.newInvitationWarning(user) : words.resetWarning(user)}
          sure={words.resetSure(user)}
          pending={resetting.isPending}
          error={resetting.error}
          onSure={() => resetting.mutate({ totp: forget }, { onSuccess: keep })}
        >
          {totp && (
            <Checkbox
              size="xs"
              label={words.forgetTotp}
              checked={forget}
              onChange={(event) => setForget(event.currentTarget.checked)}
            />
          )}
        </AskOnce>
      ) : (
        <OneTimeLink made={made} onClose={() => keep(null)} />
      )}
    </section>
  );
}

function OffboardPart({ person }: { person: Person }) {
  const words = useText().people;
  const { user, disabled } = person;
  const changing = useChangePerson(user);
  const done = changing.isSuccess && changing.data.disabled === disabled;
  return (
    <section>
      <h3>{words.offboarding}</h3>
      <output className={page.dim} style={{ display: "block", marginBottom: 8 }}>
        {done ? (disabled ? words.disabledNow(user) : words.enabledNow(user)) : disabled ? words.isDisabled : ""}
      </output>
      {disabled ? (
        <>
          <Button
            size="xs"
            variant="default"
            aria-label={words.enableName(user)}
            loading={changing.isPending}
            onClick={() => changing.mutate({ disabled: false })}
          >
            {words.enable}
          </Button>
          <ProblemLine error={changing.error} />
        </>
      ) : (
        <AskOnce
          label={words.disable}
          name={words.disableName(user)}
          warning={words.disableWarning(user)}
          sure={words.disableName(user)}
          pending={changing.isPending}
          error={changing.error}
          onSure={() => changing.mutate({ disabled: true })}
        />
      )}
    </section>
  );
}
