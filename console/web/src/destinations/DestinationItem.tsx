import { Button } from "@mantine/core";
import { useChange, useMay } from "../api/channels";
import { dataOf, http } from "../api/http";
import { useChannel } from "../api/store";
import type { DestinationSettings } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { destinationColour } from "../live/colours";
import { Lamp } from "../live/Lamp";
import { NotInForce, ProblemLine, type Undoable } from "../ui/Page";
import page from "../ui/Page.module.css";
import { byWhom, when } from "../ui/people";
import classes from "./Destinations.module.css";

interface Props {
  channel: string;
  one: DestinationSettings;
  onRemoved: (removed: Undoable) => void;
}

/** One destination: its state in the gate, who entered and approved it, approval and removal. */
export function DestinationItem({ channel, one, onRemoved }: Props) {
  const text = useText();
  const words = text.destinationsScreen;
  const language = useLanguage();
  const mayApprove = useMay("destination:approve", channel);
  const mayRemove = useMay("destination:enter", channel);
  const { name } = one;
  const params = { params: { path: { channel, destination: name } } };
  const approving = useChange(() =>
    dataOf(http.POST("/api/v1/channels/{channel}/destinations/{destination}/approve", params)),
  );
  const removing = useChange(() =>
    dataOf(http.DELETE("/api/v1/channels/{channel}/destinations/{destination}", params)),
  );
  const entered =
    one.entered_by === "" ? words.before : words.enteredBy(byWhom(one.entered_by, text), when(one.entered_at, language));
  const approved =
    one.approved_by === "" ? "" : words.approvedBy(byWhom(one.approved_by, text), when(one.approved_at, language));
  return (
    <div className={classes.item} data-destination={name} data-approved={one.approved}>
      <div className={page.row}>
        <div className={page.grow}>
          <span className={page.name}>{name}</span>
          <div className={page.mono}>{one.url}</div>
          <div className={page.dim}>{[entered, approved].filter((part) => part !== "").join(" · ")}</div>
        </div>
        <State channel={channel} one={one} />
        {!one.approved && one.yours && <span className={page.dim}>{words.yours}</span>}
        {!one.approved && !one.yours && mayApprove && (
          <Button
            size="xs"
            loading={approving.isPending}
            onClick={() => approving.mutate(undefined)}
            aria-label={words.approveName(name)}
          >
            {words.approve}
          </Button>
        )}
        {mayRemove && (
          <Button
            size="xs"
            variant="default"
            loading={removing.isPending}
            aria-label={words.removeName(name)}
            onClick={() =>
              removing.mutate(undefined, { onSuccess: ({ undo }) => onRemoved({ undo, what: `${channel} · ${name}` }) })
            }
          >
            {text.shared.remove}
          </Button>
        )}
      </div>
      {one.split_headers && <div className={page.dim}>{words.split}</div>}
      <ProblemLine error={approving.error ?? removing.error} />
      <NotInForce problem={approving.data?.not_in_force} />
    </div>
  );
}

/** What the gate says of it; an entry that waits is shown as waiting whatever else is known. */
function State({ channel, one }: { channel: string; one: DestinationSettings }) {
  const text = useText();
  const status = useChannel(channel)?.destinations.find(({ name }) => name === one.name);
  const state = one.approved ? status?.state : "waiting";
  return (
    <span className={page.badge} data-tone={state === "waiting" ? "warn" : ""} data-state={state} title={status?.error}>
      <Lamp colour={state === undefined ? "off" : destinationColour[state]} />
      {state === undefined ? text.destinationsScreen.noState : text.destinations[state]}
    </span>
  );
}
