/** Who is signed in: asked of the console once, renewed by signing in and out. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { client } from "./client";
import { dataOf, http, ProblemError, queries } from "./http";
import type { Session } from "./types";

const KEY = ["session"];

/** `data` null: nobody is. A console that cannot be reached is asked again and again. */
export function useSession() {
  return useQuery({ queryKey: KEY, queryFn: loadSession, staleTime: Infinity, retry: true, retryDelay: 1_000 });
}

async function loadSession(): Promise<Session | null> {
  const token = takeToken();
  try {
    return await (token === null ? dataOf(http.GET("/api/v1/session")) : openSession(token));
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status !== 401) throw error;
    client.signedOut();
    return null;
  }
}

function openSession(token: string): Promise<Session> {
  return dataOf(http.POST("/api/v1/session", { body: { token } }));
}

/** Hands a one-time token to the console. */
export function useSignIn() {
  return useMutation<Session, ProblemError, string>({
    mutationFn: openSession,
    onSuccess: (session) => {
      queries.setQueryData(KEY, session);
      client.signedIn();
    },
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

/** The token of an address opened through the development server; the console itself takes it before we are loaded. */
function takeToken(): string | null {
  const address = new URL(window.location.href);
  const token = address.searchParams.get("token");
  if (token !== null) {
    address.searchParams.delete("token");
    window.history.replaceState(null, "", address);
  }
  return token;
}
