/** Incidents as the console tells them. */
import { useQuery } from "@tanstack/react-query";
import { dataOf, http } from "../api/http";
import type { Incident, IncidentDetail } from "../api/types";

export const INCIDENTS = ["incidents"];
/** Drafts open by themselves: they appear within so long. */
const RENEW_MS = 3_000;
export const MOST = 200;

export function useIncidents(state: Incident["state"] | "", channel: string) {
  return useQuery({
    queryKey: [...INCIDENTS, "list", state, channel],
    queryFn: () =>
      dataOf(
        http.GET("/api/v1/incidents", {
          params: { query: { limit: MOST, channel, ...(state === "" ? {} : { state }) } },
        }),
      ),
    refetchInterval: RENEW_MS,
    retry: false,
  });
}

export function useIncident(channel: string, incident: string) {
  return useQuery<IncidentDetail>({
    queryKey: [...INCIDENTS, "one", channel, incident],
    queryFn: () =>
      dataOf(http.GET("/api/v1/incidents/{channel}/{incident}", { params: { path: { channel, incident } } })),
    refetchInterval: RENEW_MS * 3,
    retry: false,
  });
}
