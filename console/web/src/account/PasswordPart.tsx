import { Button } from "@mantine/core";
import { useState } from "react";
import { useChangePassword } from "../api/account";
import type { Me } from "../api/types";
import { useLanguage, useText } from "../i18n";
import page from "../ui/Page.module.css";
import { when } from "../ui/people";
import { daysLeft } from "./days";
import { NewPassword } from "./NewPassword";
import { PresentPassword, usePresentPassword } from "./PresentPassword";

const SOON_DAYS = 14;

export function PasswordPart({ me }: { me: Me }) {
  const words = useText().account;
  const language = useLanguage();
  const [changing, change] = useState(false);
  const [changed, setChanged] = useState(false);
  const [now] = useState(() => Date.now());
  const days = me.password_expires_at === null ? null : daysLeft(me.password_expires_at, now);
  return (
    <section className={page.card} aria-label={words.password}>
      <h2>{words.password}</h2>
      <p className={page.dim}>
        {me.password_changed_at !== null && words.passwordSince(when(me.password_changed_at, language))}{" "}
        {days !== null && (
          <span className={days < SOON_DAYS ? page.warn : ""}>
            {words.passwordUntil(when(me.password_expires_at, language), days)}
          </span>
        )}
      </p>
      <div aria-live="polite">{changed && !changing && <p className={page.good}>{words.changed}</p>}</div>
      {changing ? (
        <ChangeForm
          me={me}
          onClose={(done) => {
            change(false);
            setChanged(done);
          }}
        />
      ) : (
        <Button size="xs" variant="default" onClick={() => change(true)}>
          {words.change}
        </Button>
      )}
    </section>
  );
}

function ChangeForm({ me, onClose }: { me: Me; onClose: (done: boolean) => void }) {
  const text = useText();
  const words = text.account;
  const changing = useChangePassword();
  const present = usePresentPassword(changing.error);
  const save = (password: string) =>
    changing.mutate({ current: present.value, password }, { onSuccess: () => onClose(true) });
  return (
    <>
      <p className={page.dim}>{words.changeHint}</p>
      <NewPassword
        user={me.user}
        names={[me.user, me.display_name]}
        hasHad
        labels={{ password: words.newPassword, again: words.newAgain, save: text.shared.save }}
        busy={changing.isPending}
        error={changing.error}
        missing={present.missing}
        onSave={save}
        onCancel={() => onClose(false)}
      >
        <PresentPassword present={present} />
      </NewPassword>
    </>
  );
}
