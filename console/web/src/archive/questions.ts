/** What the Archive screen asks the console, and what it has it do. */
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import type { components } from "../../generated/api";
import { dataOf, http, type ProblemError, queries } from "../api/http";
import type { Span } from "./days";
import { spanOfMonth, zoneOfBrowser } from "./days";

type Schemas = components["schemas"];
export type DayTimeline = Schemas["DayTimeline"];
export type RecordedBroadcast = Schemas["RecordedBroadcast"];
export type RecordedDay = Schemas["RecordedDay"];
export type RecordingHold = Schemas["RecordingHold"];
export type RecordingExport = Schemas["RecordingExport"];
export type RecordEvent = Schemas["RecordEvent"];
export type RecordComment = Schemas["RecordComment"];
export type Certificate = Schemas["BroadcastCertificate"];
export type StorageState = Schemas["StorageState"];

const KEY = "recordings";
/** A day that goes on grows, and others place holds. */
const RENEW_MS = 10_000;
const EXPORT_MS = 1_000;
const MOST_INCIDENTS = 500;
const FOUND_INCIDENTS = 50;
const path = (channel: string) => ({ params: { path: { channel } } });

export function useDays(channel: string, day: string) {
  const { start, end } = spanOfMonth(day);
  return useQuery({
    queryKey: [KEY, channel, "days", start],
    queryFn: ({ signal }) =>
      dataOf(
        http.GET("/api/v1/archive/{channel}/days", {
          params: { path: { channel }, query: { from: start, to: end, zone: zoneOfBrowser() } },
          signal,
        }),
      ),
    refetchInterval: 6 * RENEW_MS,
    staleTime: 6 * RENEW_MS, // another day of the month asks no second time
    retry: false,
  });
}

/** The newest day with recordings, however long ago; null: nothing is recorded. */
export function useNewestDay(channel: string) {
  return useQuery({
    queryKey: [KEY, channel, "newest"],
    queryFn: async () => {
      const now = Date.now() / 1_000;
      const { newest } = await dataOf(
        http.GET("/api/v1/archive/{channel}/days", {
          params: { path: { channel }, query: { from: now - 1, to: now, zone: zoneOfBrowser() } },
        }),
      );
      return newest;
    },
    staleTime: Infinity,
    retry: false,
  });
}

export function useBroadcasts(channel: string, span: Span) {
  return useQuery({
    queryKey: [KEY, channel, "broadcasts", span.start],
    queryFn: ({ signal }) =>
      dataOf(
        http.GET("/api/v1/archive/{channel}/broadcasts", {
          params: { path: { channel }, query: { from: span.start, to: span.end } },
          signal,
        }),
      ),
    refetchInterval: RENEW_MS,
    retry: false,
  });
}

export function useTimeline(channel: string, span: Span) {
  return useQuery({
    queryKey: [KEY, channel, "timeline", span.start],
    queryFn: ({ signal }) =>
      dataOf(
        http.GET("/api/v1/archive/{channel}/timeline", {
          params: { path: { channel }, query: { from: span.start, to: span.end } },
          signal,
        }),
      ),
    refetchInterval: RENEW_MS,
    retry: false,
  });
}

export function useExpiring(channel: string) {
  return useQuery({
    queryKey: [KEY, channel, "expiring"],
    queryFn: () => dataOf(http.GET("/api/v1/archive/{channel}/expiring", path(channel))),
    staleTime: 10 * 60_000,
    retry: false,
  });
}

export function useCertificate(channel: string, broadcast: string) {
  return useQuery({
    queryKey: [KEY, channel, "certificate", broadcast],
    queryFn: () => dataOf(http.GET("/api/v1/archive/{channel}/certificate", { params: { path: { channel }, query: { broadcast } } })),
    retry: false,
    enabled: broadcast !== "",
  });
}

export function useEvents(channel: string, span: Span) {
  return useQuery({
    queryKey: [KEY, channel, "events", span.start],
    queryFn: ({ signal }) =>
      dataOf(
        http.GET("/api/v1/archive/{channel}/events", {
          params: { path: { channel }, query: { from: span.start, to: span.end } },
          signal,
        }),
      ),
    refetchInterval: RENEW_MS,
    retry: false,
  });
}

export function useComments(channel: string, span: Span, enabled: boolean) {
  return useQuery({
    queryKey: [KEY, channel, "comments", span.start],
    queryFn: ({ signal }) =>
      dataOf(
        http.GET("/api/v1/archive/{channel}/comments", {
          params: { path: { channel }, query: { from: span.start, to: span.end, limit: 2_000 } },
          signal,
        }),
      ),
    refetchInterval: RENEW_MS,
    retry: false,
    enabled,
  });
}

/** Incidents that reach into a span, the newest first. */
export function useDayIncidents(channel: string, span: Span, enabled: boolean) {
  return useQuery({
    queryKey: [KEY, channel, "incidents", span.start],
    queryFn: ({ signal }) =>
      dataOf(http.GET("/api/v1/incidents", { params: { query: { channel, from: span.start, to: span.end, limit: MOST_INCIDENTS } }, signal })),
    refetchInterval: RENEW_MS,
    retry: false,
    enabled,
  });
}

/** Incidents of all time that hold some words, the newest first. */
export function useFoundIncidents(channel: string, text: string, enabled: boolean) {
  return useQuery({
    queryKey: [KEY, channel, "found incidents", text],
    queryFn: () => dataOf(http.GET("/api/v1/incidents", { params: { query: { channel, text, limit: FOUND_INCIDENTS } } })),
    staleTime: 60_000,
    retry: false,
    enabled,
  });
}

/** The disk of all recordings, and their second copy. */
export function useStorage() {
  return useQuery({
    queryKey: [KEY, "storage"],
    queryFn: () => dataOf(http.GET("/api/v1/storage")),
    refetchInterval: RENEW_MS,
    retry: false,
  });
}

export interface Search {
  text: string;
  /** Words that are a person's name alone, "@ann". */
  person: string;
  /** What is looked for is one action, "cut". */
  action: string;
}

/** What happened, newest first, in steps of a second of reading. */
export function useFoundEvents(channel: string, search: Search) {
  return useInfiniteQuery({
    queryKey: [KEY, channel, "search", search],
    queryFn: ({ pageParam, signal }) =>
      dataOf(
        http.GET("/api/v1/archive/{channel}/search", {
          params: { path: { channel }, query: { ...search, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: 60_000,
    retry: false,
  });
}

/** Comments of all time that hold some words, newest first. */
export function useFoundComments(channel: string, text: string, enabled: boolean) {
  return useInfiniteQuery({
    queryKey: [KEY, channel, "found comments", text],
    queryFn: ({ pageParam, signal }) =>
      dataOf(
        http.GET("/api/v1/archive/{channel}/comments", {
          params: {
            path: { channel },
            query: { from: 0, to: Date.now() / 1_000 + 60, text, limit: 100, ...(pageParam === 0 ? {} : { before: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (last) => last.before ?? undefined,
    staleTime: 60_000,
    retry: false,
    enabled,
  });
}

export function useHolds(channel: string) {
  return useQuery({
    queryKey: [KEY, channel, "holds"],
    queryFn: () => dataOf(http.GET("/api/v1/archive/{channel}/holds", path(channel))),
    refetchInterval: RENEW_MS,
    retry: false,
  });
}

export function useExports(channel: string) {
  return useQuery({
    queryKey: [KEY, channel, "exports"],
    queryFn: () => dataOf(http.GET("/api/v1/archive/{channel}/exports", path(channel))),
    refetchInterval: ({ state }) => {
      const busy = state.data?.exports.some((one) => one.state === "waiting" || one.state === "running") === true;
      return busy ? EXPORT_MS : RENEW_MS;
    },
    retry: false,
  });
}

function useAct<Answer, Asked>(channel: string, act: (asked: Asked) => Promise<Answer>) {
  return useMutation<Answer, ProblemError, Asked>({
    mutationFn: act,
    // Not waited for: what shows the answer may be gone once the lists are there anew.
    onSettled: () => void queries.invalidateQueries({ queryKey: [KEY, channel] }),
  });
}

export function usePlaceHold(channel: string) {
  return useAct(channel, (body: { start: number; end: number; reason: string }) =>
    dataOf(http.POST("/api/v1/archive/{channel}/holds", { ...path(channel), body: { broadcast: "", ...body } })),
  );
}

export function useLiftHold(channel: string) {
  return useAct(channel, ({ hold, reason }: { hold: string; reason: string }) =>
    dataOf(http.POST("/api/v1/archive/{channel}/holds/{hold}/lift", { params: { path: { channel, hold } }, body: { reason } })),
  );
}

export function useQueueExport(channel: string) {
  return useAct(channel, (body: { start: number; end: number; kind: "received" | "aired"; exact: boolean; reason: string }) =>
    dataOf(http.POST("/api/v1/archive/{channel}/exports", { ...path(channel), body })),
  );
}

export function useRemoveExport(channel: string) {
  return useAct(channel, (id: string) =>
    dataOf(http.DELETE("/api/v1/archive/{channel}/exports/{export}", { params: { path: { channel, export: id } } })),
  );
}
