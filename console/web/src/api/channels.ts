/** Channels as they are set: one question for all screens, and the changes. */
import { type QueryKey, useMutation, useQuery } from "@tanstack/react-query";
import { dataOf, http, type ProblemError, queries } from "./http";
import { may } from "./may";
import { useSession } from "./session";
import type { Right } from "./types";

const KEY = ["channels"];
/** Others change channels, too: an entry that waits for approval appears by itself. */
const RENEW_MS = 5_000;

export function useChannels() {
  return useQuery({
    queryKey: KEY,
    queryFn: () => dataOf(http.GET("/api/v1/channels")),
    refetchInterval: RENEW_MS,
    retry: false,
  });
}

/** A change, to channels unless said otherwise; what is shown is asked for anew afterwards. */
export function useChange<Answer, Asked>(change: (asked: Asked) => Promise<Answer>, renews: QueryKey = KEY) {
  return useMutation<Answer, ProblemError, Asked>({
    mutationFn: change,
    onSettled: () => queries.invalidateQueries({ queryKey: renews }),
  });
}

export function useMay(right: Right, channel?: string): boolean {
  return may(useSession().data, right, channel);
}
