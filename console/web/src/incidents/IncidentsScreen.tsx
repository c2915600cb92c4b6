/** Incidents: drafts first, one of them at a time written up, joined or dismissed (R6, R19, R27). */
import { NativeSelect } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useConsole } from "../api/store";
import type { Incident } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import { Answer } from "../ui/Page";
import page from "../ui/Page.module.css";
import { shortTime } from "../ui/people";
import { useFilters } from "../ui/useFilters";
import { IncidentPart } from "./IncidentPart";
import classes from "./Incidents.module.css";
import { useIncidents } from "./useIncidents";

const FILTERS = ["state", "channel"] as const;
const STATES = ["draft", "all", "completed", "joined", "dismissed"] as const;

export function IncidentsScreen() {
  const words = useText().incidents;
  const chosen = useParams({ strict: false, select: ({ incident }) => incident ?? "" });
  const navigate = useNavigate();
  const [{ state, channel }, filter] = useFilters(FILTERS);
  const wanted = state === "" ? "draft" : state;
  const shown = useIncidents(wanted === "all" ? "" : (wanted as Incident["state"]), channel);
  const drafts = useIncidents("draft", "");
  const everything = useIncidents("", channel);
  const channels = useConsole((console) => console.channels);
  const list = shown.data?.incidents ?? [];
  const number = drafts.data?.incidents.length ?? 0;
  const all = everything.data?.incidents ?? [];
  const open = all.find(({ id }) => id === chosen) ?? list.find(({ id }) => id === chosen);
  // One that is too old for the list is opened by its address, which names the channel, too.
  const home = chosen === "" ? "" : (open?.channel ?? channel);
  const { entries, next } = useNextDraft(list, chosen);
  const show = ({ id }: Incident) =>
    void navigate({ to: "/incidents/{-$incident}", params: { incident: id }, search: true, replace: true });
  return (
    <div className={`${page.page} ${page.wide}`}>
      <header className={page.head}>
        <h1>{words.title}</h1>
        <output className={page.badge} data-tone={number > 0 ? "warn" : ""} data-testid="drafts">
          {number > 0 ? words.drafts(number) : words.noDrafts}
        </output>
      </header>
      <p className={page.hint}>{words.hint}</p>
      <div className={page.form} style={{ marginBottom: 12 }}>
        <NativeSelect
          label={words.show}
          value={wanted}
          onChange={(event) => filter({ state: event.currentTarget.value })}
          data={STATES.map((value) => ({ value, label: words.shown[value === "all" ? "" : value] }))}
        />
        <NativeSelect
          label={words.channel}
          value={channel}
          onChange={(event) => filter({ channel: event.currentTarget.value })}
          data={[{ value: "", label: words.allChannels }, ...channels.map(({ name }) => name)]}
        />
      </div>
      <Answer asked={shown}>
        <div className={classes.split}>
          <div>
            {list.length === 0 && <p className={page.blank}>{words.none}</p>}
            <ul ref={entries} className={classes.list} aria-label={words.title}>
              {list.map((one) => (
                <Entry key={one.id} one={one} isOpen={one.id === chosen} onShow={show} />
              ))}
            </ul>
            {shown.data?.more === true && <p className={page.dim}>{words.more}</p>}
          </div>
          {home === "" ? (
            <p className={page.blank}>{words.pick}</p>
          ) : (
            <IncidentPart key={`${chosen} ${open?.state ?? ""}`} channel={home} id={chosen} all={all} onSaved={next} />
          )}
        </div>
      </Answer>
    </div>
  );
}

/** Puts the keyboard on the first draft: on arrival, and when one is written up (`next`), so that Enter opens it. */
function useNextDraft(list: readonly Incident[], chosen: string) {
  const entries = useRef<HTMLUListElement>(null);
  const [saved, save] = useState("");
  /** The one whose writing up has moved the keyboard; null: the arrival has not yet. */
  const moved = useRef(chosen === "" ? null : "");
  const first = list.find(({ id, state }) => state === "draft" && id !== chosen)?.id;
  useEffect(() => {
    if (moved.current === saved || first === undefined) return;
    moved.current = saved;
    // Somebody who is elsewhere by now is left there.
    if (document.activeElement !== document.body) return;
    entries.current?.querySelector<HTMLElement>(`[data-incident="${CSS.escape(first)}"]`)?.focus({ preventScroll: true });
  }, [first, saved]);
  return {
    entries,
    next: () => {
      save(chosen);
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    },
  };
}

function Entry({ one, isOpen, onShow }: { one: Incident; isOpen: boolean; onShow: (one: Incident) => void }) {
  const words = useText().incidents;
  const language = useLanguage();
  const said = one.report === "" ? say(language, one.words, one.words_zh) : one.report;
  return (
    <li>
      <button type="button" className={classes.entry} aria-current={isOpen} data-incident={one.id} onClick={() => onShow(one)}>
        <span>
          <strong>{words.kinds[one.kind]}</strong>
          <time>{shortTime(one.happened, language)}</time>
        </span>
        <span className={page.dim}>
          {one.channel}
          <span>{words.states[one.state]}</span>
        </span>
        {said !== "" && <p className={classes.said}>{said}</p>}
      </button>
    </li>
  );
}
