import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useRemoveTotp, useRenewRecoveryCodes } from "../api/account";
import type { Me } from "../api/types";
import { useText } from "../i18n";
import page from "../ui/Page.module.css";
import { Prove } from "./Prove";
import { RecoveryCodes } from "./RecoveryCodes";
import { TotpSetup } from "./TotpSetup";

type Act = "set_up" | "renew" | "codes" | "remove";
const FEW_CODES = 3;

/** The code generator and its recovery codes. */
export function FactorPart({ me }: { me: Me }) {
  const words = useText().account;
  const [act, start] = useState<Act | null>(null);
  const done = () => start(null);
  return (
    <section className={page.card} aria-label={words.factor}>
      <h2>{words.factor}</h2>
      {act === null && (
        <>
          <p className={me.totp ? page.dim : page.warn}>
            {me.totp ? words.factorOn : words.factorOff} {me.totp_needed && words.factorNeeded}
          </p>
          {me.totp && (
            <p className={me.recovery_codes_left < FEW_CODES ? page.warn : page.dim}>
              {words.codesLeft(me.recovery_codes_left)}
            </p>
          )}
          <Acts me={me} onAct={start} />
        </>
      )}
      {act !== null && <Doing act={act} me={me} onDone={done} />}
    </section>
  );
}

function Acts({ me, onAct }: { me: Me; onAct: (act: Act) => void }) {
  const words = useText().account;
  if (!me.totp) {
    return (
      <Button size="xs" mt={8} onClick={() => onAct("set_up")}>
        {words.setUp}
      </Button>
    );
  }
  return (
    <div className={page.row} style={{ marginTop: 8 }}>
      <Button size="xs" variant="default" onClick={() => onAct("codes")}>
        {words.renewCodes}
      </Button>
      <Button size="xs" variant="default" onClick={() => onAct("renew")}>
        {words.renew}
      </Button>
      {!me.totp_needed && (
        <Button size="xs" variant="default" onClick={() => onAct("remove")}>
          {words.remove}
        </Button>
      )}
    </div>
  );
}

function Doing({ act, me, onDone }: { act: Act; me: Me; onDone: () => void }) {
  const words = useText().account;
  const kept = <Button onClick={onDone}>{words.kept}</Button>;
  switch (act) {
    case "set_up":
    case "renew":
      return (
        <>
          {act === "renew" && <p className={page.dim}>{words.renewHint}</p>}
          <TotpSetup user={me.user} renew={act === "renew"} onCancel={onDone}>
            {kept}
          </TotpSetup>
        </>
      );
    case "codes":
      return (
        <NewCodes user={me.user} onCancel={onDone}>
          {kept}
        </NewCodes>
      );
    case "remove":
      return <Remove user={me.user} onDone={onDone} />;
  }
}

function NewCodes({ user, onCancel, children }: { user: string; onCancel: () => void; children: ReactNode }) {
  const words = useText().account;
  const renewing = useRenewRecoveryCodes();
  if (renewing.data !== undefined) {
    return (
      <RecoveryCodes user={user} codes={renewing.data.recovery_codes}>
        {children}
      </RecoveryCodes>
    );
  }
  return (
    <>
      <p className={page.dim}>{words.renewCodesHint}</p>
      <Prove
        user={user}
        does={words.renewCodes}
        busy={renewing.isPending}
        error={renewing.error}
        onProve={(password) => renewing.mutate(password)}
        onCancel={onCancel}
      />
    </>
  );
}

function Remove({ user, onDone }: { user: string; onDone: () => void }) {
  const words = useText().account;
  const removing = useRemoveTotp();
  return (
    <>
      <p className={page.warn}>{words.removeHint}</p>
      <Prove
        user={user}
        does={words.remove}
        busy={removing.isPending}
        error={removing.error}
        onProve={(password) => removing.mutate(password, { onSuccess: onDone })}
        onCancel={onDone}
      />
    </>
  );
}
