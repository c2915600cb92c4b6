import { type RefObject, useRef, useState } from "react";
import type { ProblemError } from "../api/http";
import { useText } from "../i18n";
import { SecretField } from "../ui/SecretField";
import { useFocusFirst, useFocusOn } from "../ui/useFocusOn";

interface Present {
  value: string;
  type: (value: string) => void;
  field: RefObject<HTMLInputElement | null>;
  /** The field, while it is empty. */
  missing: RefObject<HTMLInputElement | null> | null;
  wrong: boolean;
}

/** The password that proves who sits there. `error`: of the change that it was given for. */
export function usePresentPassword(error: ProblemError | null): Present {
  const [value, type] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useFocusOn(error, { bad_credentials: field });
  return { value, type, field, missing: value === "" ? field : null, wrong: error?.problem.code === "bad_credentials" };
}

export function PresentPassword({ present }: { present: Present }) {
  const text = useText().account;
  const { value, type, field, wrong } = present;
  useFocusFirst(field);
  return (
    <SecretField
      ref={field}
      label={text.presentPassword}
      value={value}
      onChange={(event) => type(event.currentTarget.value)}
      autoComplete="current-password"
      error={wrong}
    />
  );
}
