import { Button, Loader } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useMay } from "../api/channels";
import { dataOf, http, type ProblemError, queries } from "../api/http";
import type { RehearsedClip } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import { Answer, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { byWhom, when } from "../ui/people";
import classes from "./Channels.module.css";

const RENEW_MS = 700;

/** The rehearsal of a channel's backups: started, followed, cancelled. */
export function Rehearsal({ channel }: { channel: string }) {
  const text = useText();
  const language = useLanguage();
  const may = useMay("backup:upload", channel);
  const key = ["rehearsal", channel];
  const params = { params: { path: { channel } } };
  const last = useQuery({
    queryKey: key,
    queryFn: () => dataOf(http.GET("/api/v1/channels/{channel}/rehearsal", params)),
    refetchInterval: ({ state }) => (state.data?.running ? RENEW_MS : false),
    retry: false,
  });
  const settle = { onSettled: () => queries.invalidateQueries({ queryKey: key }) };
  const starting = useMutation<unknown, ProblemError>({
    mutationFn: () => dataOf(http.POST("/api/v1/channels/{channel}/rehearsal", params)),
    ...settle,
  });
  const cancelling = useMutation<unknown, ProblemError>({
    mutationFn: () => dataOf(http.DELETE("/api/v1/channels/{channel}/rehearsal", params)),
    ...settle,
  });
  const { data } = last;
  const running = data?.running ?? false;
  return (
    <section className={page.card} data-testid="rehearsal" data-running={running}>
      <div className={page.head} style={{ marginBottom: 4 }}>
        <h2 style={{ margin: 0 }}>{text.channels.rehearsal}</h2>
        {may && (
          <Button
            size="xs"
            variant={running ? "default" : "filled"}
            loading={starting.isPending || cancelling.isPending}
            onClick={() => (running ? cancelling : starting).mutate()}
          >
            {running ? text.shared.cancel : text.channels.rehearse}
          </Button>
        )}
      </div>
      <p className={page.hint}>{text.channels.rehearsalHint}</p>
      <ProblemLine error={starting.error ?? cancelling.error} />
      <Answer asked={last}>
        {data === undefined || data.started_at === null ? (
          <p className={page.dim}>{text.channels.never}</p>
        ) : (
          <>
            <p className={page.dim} aria-live="polite">
              {running ? `${text.channels.rehearsing} ` : ""}
              {text.channels.by(byWhom(data.started_by, text), when(data.started_at, language))}
              {" · "}
              {text.channels.against(data.against)} (
              {data.feed_known ? text.channels.feedKnown : text.channels.feedUnknown})
            </p>
            <ul className={classes.list}>
              {data.clips.map((clip) => (
                <Turn key={clip.name} clip={clip} />
              ))}
            </ul>
          </>
        )}
      </Answer>
    </section>
  );
}

const TONES = { ok: "good", failed: "bad", running: "warn", waiting: "", cancelled: "" } as const;

function Turn({ clip }: { clip: RehearsedClip }) {
  const text = useText();
  const language = useLanguage();
  const { name, state, feed, pictures, sounds, error, error_zh, one_header } = clip;
  return (
    <li className={classes.item} data-turn={name} data-state={state}>
      <div className={page.row}>
        <span className={`${page.name} ${page.grow}`}>{name === "slate" ? text.channels.slate : name}</span>
        <span className={page.badge} data-tone={TONES[state]}>
          {state === "running" && <Loader size={12} color="orange" />}
          {text.channels.turns[state]}
        </span>
      </div>
      {error !== "" && <p className={page.bad}>{say(language, error, error_zh)}</p>}
      {feed !== null && (
        <div className={page.dim}>
          {text.channels.proof(pictures, sounds)}, {text.channels.feeds[feed]}
          {!one_header && <div className={page.warn}>{text.channels.newHeader}</div>}
        </div>
      )}
    </li>
  );
}
