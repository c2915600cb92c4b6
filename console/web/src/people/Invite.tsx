import { TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useChange } from "../api/channels";
import { dataOf, http } from "../api/http";
import { PEOPLE } from "../api/people";
import type { OneTimeLink } from "../api/types";
import { useText } from "../i18n";
import { FormButtons, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { RolesField } from "./RolesField";

interface Asked {
  username: string;
  display_name: string;
  roles: string[];
}

/** The form for somebody who has no account yet; its answer is the link with which the person chooses a password. */
export function Invite({ onMade, onClose }: { onMade: (made: OneTimeLink) => void; onClose: () => void }) {
  const words = useText().people;
  const [asked, ask] = useState<Asked>({ username: "", display_name: "", roles: [] });
  const inviting = useChange((body: Asked) => dataOf(http.POST("/api/v1/invitations", { body })), PEOPLE);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { username, display_name, roles } = asked;
    inviting.mutate({ username: username.trim(), display_name: display_name.trim(), roles }, { onSuccess: onMade });
  };
  return (
    <section className={page.card} aria-label={words.invite} style={{ marginBottom: 12 }}>
      <form onSubmit={submit}>
        <div className={page.form}>
          <TextInput
            className={page.grow ?? ""}
            label={words.name}
            description={words.nameHint}
            value={asked.username}
            onChange={(event) => ask({ ...asked, username: event.currentTarget.value })}
            maxLength={64}
            autoComplete="off"
            spellCheck={false}
          />
          <TextInput
            className={page.grow ?? ""}
            label={words.shownName}
            value={asked.display_name}
            onChange={(event) => ask({ ...asked, display_name: event.currentTarget.value })}
            maxLength={128}
            autoComplete="off"
          />
        </div>
        <RolesField grants={asked.roles} onChange={(roles) => ask({ ...asked, roles })} />
        <div className={page.row}>
          <FormButtons
            label={words.makeLink}
            busy={inviting.isPending}
            disabled={asked.username.trim() === "" || asked.roles.length === 0}
            onCancel={onClose}
          />
        </div>
      </form>
      <ProblemLine error={inviting.error} />
    </section>
  );
}
