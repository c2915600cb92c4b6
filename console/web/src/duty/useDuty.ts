/** Questions and changes of duty. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { dataOf, http, type ProblemError, queries } from "../api/http";

const KEY = ["duty"];
const RENEW_MS = 5_000;
const RUNNING_MS = 700;

export function useRoster(channel: string) {
  return useQuery({
    queryKey: [...KEY, "roster", channel],
    queryFn: () => dataOf(http.GET("/api/v1/channels/{channel}/duty", { params: { path: { channel } } })),
    refetchInterval: RENEW_MS,
    enabled: channel !== "",
    retry: false,
  });
}

export function useCandidates(channel: string, enabled: boolean) {
  return useQuery({
    queryKey: [...KEY, "people", channel],
    queryFn: () => dataOf(http.GET("/api/v1/channels/{channel}/duty/people", { params: { path: { channel } } })),
    enabled: enabled && channel !== "",
    retry: false,
  });
}

export function usePractice(enabled: boolean) {
  return useQuery({
    queryKey: [...KEY, "practice"],
    queryFn: () => dataOf(http.GET("/api/v1/practice")),
    refetchInterval: ({ state }) => (state.data?.running ? RUNNING_MS : RENEW_MS),
    enabled,
    retry: false,
  });
}

export function useResults(everybody: boolean, enabled: boolean) {
  return useQuery({
    queryKey: [...KEY, "results", everybody],
    queryFn: () => dataOf(http.GET("/api/v1/practices", { params: { query: { everybody } } })),
    refetchInterval: RENEW_MS,
    enabled,
    retry: false,
  });
}

export function useReaction() {
  return useQuery({ queryKey: [...KEY, "reaction"], queryFn: () => dataOf(http.GET("/api/v1/me/reaction")), refetchInterval: RENEW_MS, retry: false });
}

/** A change of duty; everything of duty is asked for anew afterwards. */
export function useDutyChange<Answer, Asked = void>(change: (asked: Asked) => Promise<Answer>) {
  return useMutation<Answer, ProblemError, Asked>({
    mutationFn: change,
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}

type Act = "take" | "leave" | "offer" | "withdraw" | "accept";

/** What a person does about the own duty on a channel. */
export function actOnDuty(channel: string, act: Act, note: string, to: string): Promise<unknown> {
  const params = { params: { path: { channel } } };
  switch (act) {
    case "take":
      return dataOf(http.POST("/api/v1/channels/{channel}/duty/take", { ...params, body: { note } }));
    case "offer":
      return dataOf(http.POST("/api/v1/channels/{channel}/duty/offer", { ...params, body: { to, note } }));
    case "leave":
      return dataOf(http.POST("/api/v1/channels/{channel}/duty/leave", params));
    case "withdraw":
      return dataOf(http.POST("/api/v1/channels/{channel}/duty/withdraw", params));
    case "accept":
      return dataOf(http.POST("/api/v1/channels/{channel}/duty/accept", params));
  }
}
