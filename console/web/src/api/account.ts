/** The own account: what is known of it, and what the person changes. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { client } from "./client";
import { dataOf, http, type ProblemError, queries, SESSION_KEY } from "./http";
import type { TotpSecret } from "./types";

const KEY = ["me"];
const SESSIONS_KEY = ["me", "sessions"];
/** A session that begins or ends elsewhere appears by itself. */
const RENEW_MS = 5_000;

export function useMe() {
  return useQuery({ queryKey: KEY, queryFn: () => dataOf(http.GET("/api/v1/me")), retry: false });
}

export function useOwnSessions() {
  return useQuery({
    queryKey: SESSIONS_KEY,
    queryFn: () => dataOf(http.GET("/api/v1/me/sessions")),
    refetchInterval: RENEW_MS,
    retry: false,
  });
}

function lookAgain(): Promise<void> {
  return queries.invalidateQueries({ queryKey: KEY });
}

/** A new password. The console ends the other sessions and gives this browser a new cookie. */
export function useChangePassword() {
  return useMutation<unknown, ProblemError, { current: string; password: string }>({
    mutationFn: (body) => client.renew(() => dataOf(http.POST("/api/v1/me/password", { body }))),
    onSuccess: lookAgain,
  });
}

/** Makes a secret for a code generator; `renew`: in the place of one in use, which goes on until the first code. */
export function useBeginTotp() {
  return useMutation<TotpSecret, ProblemError, { password: string; renew: boolean }>({
    mutationFn: (body) => dataOf(http.POST("/api/v1/me/totp", { body })),
  });
}

/** Takes the secret into use by its first code; the answer holds the recovery codes, this once. */
export function useConfirmTotp() {
  return useMutation<{ recovery_codes: string[] }, ProblemError, string>({
    mutationFn: (code) => client.renew(() => dataOf(http.POST("/api/v1/me/totp/confirm", { body: { code } }))),
    onSuccess: lookAgain,
  });
}

export function useRemoveTotp() {
  return useMutation<unknown, ProblemError, string>({
    mutationFn: (password) => dataOf(http.DELETE("/api/v1/me/totp", { body: { password } })),
    onSuccess: lookAgain,
  });
}

export function useRenewRecoveryCodes() {
  return useMutation<{ recovery_codes: string[] }, ProblemError, string>({
    mutationFn: (password) => dataOf(http.POST("/api/v1/me/recovery-codes", { body: { password } })),
    onSuccess: lookAgain,
  });
}

/** Ends a session of one's own; null: all but this one. */
export function useEndSession() {
  return useMutation<unknown, ProblemError, string | null>({
    mutationFn: (id) =>
      id === null
        ? dataOf(http.DELETE("/api/v1/me/sessions"))
        : dataOf(http.DELETE("/api/v1/me/sessions/{session_id}", { params: { path: { session_id: id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: SESSIONS_KEY }),
  });
}

/** What the person had to do is done: ask the console what the session may do now. */
export function goOn(): void {
  void queries.invalidateQueries({ queryKey: SESSION_KEY });
}
