/** One incident: its facts, its evidence, and what people make of it. */
import { Button } from "@mantine/core";
import { useMay } from "../api/channels";
import type { Incident } from "../api/types";
import { say, useLanguage, useText } from "../i18n";
import { Answer } from "../ui/Page";
import { duration } from "../ui/format";
import page from "../ui/Page.module.css";
import { byWhom, when } from "../ui/people";
import { EscalationPart } from "./EscalationPart";
import { Evidence } from "./Evidence";
import classes from "./Incidents.module.css";
import { useIncident } from "./useIncidents";
import { Settle } from "./Settle";
import { WriteUp } from "./WriteUp";

interface Props {
  channel: string;
  id: string;
  all: readonly Incident[];
  onSaved: () => void;
}

export function IncidentPart({ channel, id, all, onSaved }: Props) {
  const asked = useIncident(channel, id);
  const mayWrite = useMay("incident:write", channel);
  const one = asked.data?.incident;
  const isOpen = one?.state === "draft" || one?.state === "completed";
  return (
    <Answer asked={asked}>
      {one !== undefined && asked.data !== undefined && (
        <div className={classes.part} data-testid="incident" data-state={one.state}>
          <Facts one={one} />
          {mayWrite && isOpen && <WriteUp one={one} onSaved={onSaved} />}
          <EscalationPart one={one} hasChain={asked.data.has_chain} mayWrite={mayWrite} />
          <Evidence detail={asked.data} />
          {mayWrite && one.state === "draft" && <Settle one={one} all={all} />}
          <Reports channel={channel} id={id} />
        </div>
      )}
    </Answer>
  );
}

/** The report to be handed upward, in the language in force. */
function Reports({ channel, id }: { channel: string; id: string }) {
  const words = useText().incidents;
  const lang = useLanguage();
  return (
    <section className={page.card}>
      <div className={page.row}>
        {(["pdf", "docx"] as const).map((format) => (
          <Button
            key={format}
            size="xs"
            component="a"
            variant="default"
            download
            href={`/api/v1/incidents/${encodeURIComponent(channel)}/${id}/report?format=${format}&lang=${lang}`}
          >
            {words.report} {format.toUpperCase()}
          </Button>
        ))}
      </div>
    </section>
  );
}

function Facts({ one }: { one: Incident }) {
  const text = useText();
  const words = text.incidents;
  const language = useLanguage();
  const who = one.actor === "" ? words.onItsOwn : words.by(byWhom(one.actor, text));
  const lasted = one.until > one.happened ? words.lasted(duration(one.until - one.happened)) : "";
  const back = (one.kind === "dump" ? words.dumped : words.reaches)(String(Math.round(one.seconds * 10) / 10));
  const facts: [string, string][] = [
    [words.channel, one.channel],
    [words.broadcast, one.broadcast === "" ? words.offAir : one.broadcast],
    [words.hold, one.holds.length > 0 ? one.holds.join(", ") : words.noHold],
  ];
  const said = say(language, one.words, one.words_zh);
  if (said !== "") facts.push([words.said, said]);
  if (one.members.length > 0) facts.push([words.members, one.members.join(", ")]);
  if (one.completed_by !== "") {
    facts.push([words.written(byWhom(one.completed_by, text), when(one.completed_at, language)), one.report]);
    if (one.measures !== "") facts.push([words.measures, one.measures]);
  }
  if (one.settled_by !== "") {
    const label = one.joined_into === "" ? words.states.dismissed : words.part(one.joined_into);
    facts.push([label, words.settled(byWhom(one.settled_by, text), when(one.settled_at, language), one.reason)]);
  }
  return (
    <section className={page.card}>
      <h2>
        {words.kinds[one.kind]} · {when(one.happened, language, "medium")}
      </h2>
      <p className={page.dim}>{[one.id, who, one.seconds > 0 ? back : "", lasted].filter((part) => part !== "").join(" · ")}</p>
      <dl className={classes.facts}>
        {facts.map(([label, value]) => (
          <div key={label} style={{ display: "contents" }}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
