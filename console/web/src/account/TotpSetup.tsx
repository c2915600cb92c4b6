import { type ReactNode, useState } from "react";
import { useBeginTotp } from "../api/account";
import { useText } from "../i18n";
import { FirstCode } from "./FirstCode";
import { Prove } from "./Prove";
import { RecoveryCodes } from "./RecoveryCodes";

interface Props {
  user: string;
  /** In the place of a code generator that is in use. */
  renew: boolean;
  onConfirmed?: () => void;
  onCancel?: () => void;
  /** What leads on from the recovery codes. */
  children: ReactNode;
}

/** Sets a code generator up: the password, the secret with its first code, the recovery codes. */
export function TotpSetup({ user, renew, onConfirmed, onCancel, children }: Props) {
  const text = useText().account;
  const begin = useBeginTotp();
  const [codes, keep] = useState<string[] | null>(null);
  if (codes !== null) {
    return (
      <RecoveryCodes user={user} codes={codes} said={text.confirmed}>
        {children}
      </RecoveryCodes>
    );
  }
  if (begin.data !== undefined) {
    return (
      <FirstCode
        made={begin.data}
        onConfirmed={(made) => {
          keep(made);
          onConfirmed?.();
        }}
        onCancel={onCancel}
      />
    );
  }
  return (
    <Prove
      user={user}
      does={text.next}
      busy={begin.isPending}
      error={begin.error}
      onProve={(password) => begin.mutate({ password, renew })}
      onCancel={onCancel}
    />
  );
}
