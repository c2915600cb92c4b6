/** Questions of the audit to the server. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { dataOf, http, type ProblemError, queries } from "../api/http";
import type { AuditPage, AuditProof } from "../api/types";
import { type Filters, toQuestion } from "./filters";

export const ROWS = 100;
const RUNNING_MS = 1_000;
const RENEW_MS = 60_000;
const PROOF = ["audit", "verified"];

/**
 * One page of records from `cursor` ("": the newest). The server reads for about a second and then gives what it has:
 * the question goes on until the page is full, or until it is stopped. `day`: whose files are being read.
 */
export function useRecords(filters: Filters, cursor: string) {
  const key = ["audit", "records", filters, cursor];
  const [day, setDay] = useState("");
  const asked = useQuery<AuditPage, ProblemError>({
    queryKey: key,
    retry: false,
    staleTime: Infinity,
    queryFn: async ({ signal }) => {
      const ask = (at: string, limit: number) =>
        dataOf(http.GET("/api/v1/audit", { params: { query: { ...toQuestion(filters), cursor: at, limit } }, signal }));
      let page = await ask(cursor, ROWS);
      while (page.next !== null && page.records.length < ROWS && !signal.aborted) {
        setDay(page.day);
        // oxlint-disable-next-line no-await-in-loop -- each question needs the answer before it
        const more = await ask(page.next, ROWS - page.records.length);
        page = { ...more, records: [...page.records, ...more.records], faults: [...page.faults, ...more.faults] };
      }
      setDay("");
      return page;
    },
  });
  return { ...asked, day, stop: () => void queries.cancelQueries({ queryKey: key }) };
}

/** How far the ledger is proven; asked again while a check runs. */
export function useProof() {
  return useQuery<AuditProof, ProblemError>({
    queryKey: PROOF,
    queryFn: () => dataOf(http.GET("/api/v1/audit/verified")),
    refetchInterval: ({ state }) => (state.data?.running === true || state.data?.checked_at === null ? RUNNING_MS : RENEW_MS),
    retry: false,
  });
}

/** Has the whole ledger checked. */
export function useVerify() {
  return useMutation<AuditProof, ProblemError>({
    mutationFn: () => dataOf(http.POST("/api/v1/audit/verified", { body: {} })),
    onSuccess: (proof) => queries.setQueryData(PROOF, proof),
  });
}
