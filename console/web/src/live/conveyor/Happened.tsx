/** What happened meanwhile, where it came in: notes, incidents, warnings; comments, and where there are many. */
import { useQuery } from "@tanstack/react-query";
import { dataOf, http } from "../../api/http";
import { may } from "../../api/may";
import { useConsole } from "../../api/store";
import type { ChannelStatus } from "../../api/types";
import { say, useLanguage, useText } from "../../i18n";
import { person } from "../../ui/format";
import { INCIDENTS } from "../../incidents/useIncidents";
import classes from "./Conveyor.module.css";
import { BIN_S, binsOf } from "./peaks";
import type { Places } from "./places";
import { wallNow } from "./stores";

const RENEW_MS = 4_000;
const MOST = 20;
const MOST_COMMENTS = 1_000;

/** Spans show these themselves. */
const SHOWN_AS_SPANS = new Set(["cut", "dump", "condemn", "redact", "stop"]);

export function Happened({ channel, places, now }: { channel: ChannelStatus; places: Places; now: number }) {
  const text = useText();
  const language = useLanguage();
  const log = useConsole((state) => state.log);
  const incidents = useNewIncidents(channel.name);
  const from = now - channel.delay_s;
  // What people did shows as spans, and in the log.
  const warned = log
    .filter((line) => line.channel === channel.name && line.level !== "info" && line.at > from && !line.actor.includes(":"))
    .map((line) => ({ key: `log/${line.seq}`, at: line.at, words: say(language, line.text, line.text_zh), kind: line.level }));
  const noted = incidents
    .filter((one) => one.happened > from && !SHOWN_AS_SPANS.has(one.kind))
    .map((one) => {
      const words = language === "zh" && one.words_zh !== "" ? one.words_zh : one.words;
      const said = one.kind === "note" ? text.conveyor.noted(person(one.actor), words) : words;
      return { key: one.id, at: one.happened, words: said, kind: one.kind === "note" ? "note" : "warning" };
    });
  return [...warned, ...noted].map(({ key, at, words, kind }) => (
    <span key={key} className={classes.happened} data-kind={kind} style={places.point(at)} title={words}>
      {words}
    </span>
  ));
}

function useNewIncidents(channel: string) {
  const allowed = useConsole((state) => may(state.rights, "incident:read", channel));
  const { data } = useQuery({
    queryKey: [...INCIDENTS, "conveyor", channel],
    queryFn: () => dataOf(http.GET("/api/v1/incidents", { params: { query: { limit: MOST, channel } } })),
    enabled: allowed,
    refetchInterval: RENEW_MS,
    retry: false,
  });
  return data?.incidents ?? [];
}

export function Comments({ channel, places, delay }: { channel: string; places: Places; delay: number }) {
  const text = useText();
  const allowed = useConsole(({ rights }) => may(rights, "review:read", channel) && may(rights, "archive:read", channel));
  const { data } = useQuery({
    queryKey: ["conveyor", "comments", channel],
    queryFn: () => {
      const now = wallNow();
      const query = { from: now - delay, to: now + 1, limit: MOST_COMMENTS };
      return dataOf(http.GET("/api/v1/archive/{channel}/comments", { params: { path: { channel }, query } }));
    },
    enabled: allowed,
    refetchInterval: RENEW_MS,
    retry: false,
  });
  return binsOf((data?.comments ?? []).map(({ at }) => at)).map(({ from, count, share, peak }) => (
    <i
      key={from}
      className={classes.comments}
      data-peak={peak}
      title={text.conveyor.comments(count)}
      style={{ ...places.span(from, from + BIN_S), height: `${Math.round(4 + share * 12)}px` }}
    />
  ));
}
