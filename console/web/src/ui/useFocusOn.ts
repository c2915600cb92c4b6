import { type RefObject, useEffect, useEffectEvent } from "react";
import type { ProblemError } from "../api/http";

type Field = RefObject<HTMLInputElement | null>;

/** Brings the person to the field that a new problem is about; `fields`: by the problem's code. */
export function useFocusOn(error: ProblemError | null, fields: Record<string, Field>): void {
  const goTo = useEffectEvent((code: string) => {
    const field = fields[code]?.current;
    field?.focus();
    field?.select();
  });
  useEffect(() => {
    if (error !== null) goTo(error.problem.code);
  }, [error]);
}

/** Puts the person into a field when it appears, where a press or an answer led to it. */
export function useFocusFirst(field: Field, wanted = true): void {
  useEffect(() => {
    if (wanted) field.current?.focus();
  }, [field, wanted]);
}
