/** Who is signed in: asked of the console once, renewed by signing in and out. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { client } from "./client";
import { dataOf, http, ProblemError, queries } from "./http";
import type { Credentials, OneTime, Session } from "./types";

const KEY = ["session"];

/** `data` null: nobody is. A console that cannot be reached is asked again and again. */
export function useSession() {
  return useQuery({ queryKey: KEY, queryFn: loadSession, staleTime: Infinity, retry: true, retryDelay: 1_000 });
}

async function loadSession(): Promise<Session | null> {
  try {
    return await dataOf(http.GET("/api/v1/session"));
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status !== 401) throw error;
    client.signedOut();
    return null;
  }
}

/** Signs in. The problem `totp_needed` asks for a code of the second factor. */
export function useSignIn() {
  return useMutation<Session, ProblemError, Credentials>({
    mutationFn: (body) => client.renew(() => dataOf(http.POST("/api/v1/session", { body }))),
    onSuccess: (session) => {
      queries.setQueryData(KEY, session);
      client.signedIn();
    },
  });
}

/** Whom a one-time link is for: the set-up of the first administrator, an invitation, or a new password. */
export function useOneTime(token: string) {
  return useQuery<OneTime, ProblemError>({
    queryKey: ["one-time", token],
    queryFn: () => dataOf(http.GET("/api/v1/one-time/{token}", { params: { path: { token } } })),
    retry: false,
    staleTime: Infinity,
  });
}

/** Uses a one-time link up: chooses the password. */
export function useChoosePassword(token: string) {
  return useMutation<{ user: string }, ProblemError, { username: string; password: string }>({
    mutationFn: ({ username, password }) =>
      dataOf(
        http.POST("/api/v1/one-time/{token}", {
          params: { path: { token } },
          body: { username, password, display_name: "" },
        }),
      ),
  });
}

export function useSignOut() {
  return useMutation<unknown, ProblemError>({
    mutationFn: () => dataOf(http.DELETE("/api/v1/session")),
    onSuccess: () => {
      client.signedOut();
      queries.clear();
      queries.setQueryData(KEY, null);
    },
  });
}
