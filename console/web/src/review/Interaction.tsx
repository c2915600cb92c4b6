import { UnstyledButton } from "@mantine/core";
import { useMay } from "../api/channels";
import { useText } from "../i18n";
import { clock } from "../ui/format";
import { byWhom } from "../ui/people";
import classes from "./Interaction.module.css";
import { INTERACTION, type Switch } from "./types";
import { useDesk, useReview } from "./useDesk";

const SWITCHES: readonly Switch[] = ["comments", "bullets", "sharing"];

/** What viewers may do (R5): always in sight, with who changed it and when. A press turns it over. */
export function Interaction({ channel }: { channel: string }) {
  const text = useText();
  const words = text.review.interaction;
  const desk = useDesk();
  const view = useReview((state) => state.interaction);
  const mayTurn = useMay(INTERACTION, channel);
  const changed =
    view === null
      ? words.unknown
      : view.changed_at === null
        ? words.never
        : words.changed(byWhom(view.changed_by, text), clock(view.changed_at * 1_000));
  return (
    <section className={classes.switches} aria-label={words.title} data-testid="interaction">
      {SWITCHES.map((which) => {
        const open = view?.[which] === true;
        const said = (
          <>
            <span>{words[which]}</span>
            <b>{view === null ? "–" : open ? `● ${words.open}` : `■ ${words.closed}`}</b>
          </>
        );
        return mayTurn && view !== null ? (
          <UnstyledButton
            key={which}
            className={classes.switch}
            role="switch"
            aria-checked={open}
            data-open={open}
            data-switch={which}
            title={open ? words.doClose : words.doOpen}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => void desk.setSwitch(which, !open)}
          >
            {said}
          </UnstyledButton>
        ) : (
          <div key={which} className={classes.switch} data-open={open} data-switch={which}>
            {said}
          </div>
        );
      })}
      <output className={classes.changed}>{changed}</output>
    </section>
  );
}
