/** People, their sign-ins and the tokens of programs: the questions of the administrators' screens. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { dataOf, http } from "./http";

export const PEOPLE = ["users"] as const;
export const TOKENS = ["tokens"] as const;
/** Somebody else may change people, too; and when each signed in last is seen as it happens. */
const RENEW_MS = 5_000;

export function usePeople() {
  return useQuery({
    queryKey: PEOPLE,
    queryFn: () => dataOf(http.GET("/api/v1/users")),
    refetchInterval: RENEW_MS,
    retry: false,
  });
}

export function useTokens() {
  return useQuery({
    queryKey: TOKENS,
    queryFn: () => dataOf(http.GET("/api/v1/tokens")),
    refetchInterval: RENEW_MS,
    retry: false,
  });
}

export interface SignInsAsked {
  limit: number;
  user?: string;
  failed?: boolean;
  before?: number;
}

export function useSignIns(asked: SignInsAsked) {
  return useQuery({
    queryKey: ["sign-ins", asked],
    queryFn: () => dataOf(http.GET("/api/v1/sign-ins", { params: { query: asked } })),
    refetchInterval: RENEW_MS,
    placeholderData: keepPreviousData,
    retry: false,
  });
}
