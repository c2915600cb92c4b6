/** Who is signed in: asked of the console once, and again when the websocket or an answer says that it changed. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { noteOver, noteSignedIn } from "./arrival";
import { client } from "./client";
import { dataOf, http, ProblemError, queries, SESSION_KEY } from "./http";
import { useConsole } from "./store";
import type { Credentials, OneTime, Session } from "./types";

/** `data` null: nobody is. A console that cannot be reached is asked again and again. */
export function useSession() {
  return useQuery({ queryKey: SESSION_KEY, queryFn: loadSession, staleTime: Infinity, retry: true, retryDelay: 1_000 });
}

async function loadSession(): Promise<Session | null> {
  try {
    const session = await dataOf(http.GET("/api/v1/session"));
    // The websocket was refused: with another session (another tab's new cookie), or before the limit was lifted.
    if (duty(session) === null && useConsole.getState().session === "needed") client.signedIn();
    return session;
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status !== 401) throw error;
    noteOver(error.problem);
    client.signedOut();
    return null;
  }
}

export type Duty = "password_expired" | "totp_setup";

/** What the person has to do before anything else; null: nothing. */
export function duty(session: Session): Duty | null {
  return session.state === "password_expired" || session.state === "totp_setup" ? session.state : null;
}

/** Signs in. The problem `totp_needed` asks for a code of the second factor. */
export function useSignIn() {
  return useMutation<Session, ProblemError, Credentials>({
    mutationFn: (body) => client.renew(() => dataOf(http.POST("/api/v1/session", { body }))),
    onSuccess: (session) => {
      noteSignedIn(session.last ?? null);
      queries.setQueryData(SESSION_KEY, session);
      if (duty(session) === null) client.signedIn();
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
      queries.setQueryData(SESSION_KEY, null);
    },
  });
}
