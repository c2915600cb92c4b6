import { Code } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useConsole } from "../api/store";
import { useText } from "../i18n";
import { may } from "../api/may";
import { Conveyor } from "./conveyor/Conveyor";
import { ReviewPlayer } from "./conveyor/ReviewPlayer";
import { useHand } from "./conveyor/stores";
import { useHandKeys } from "./conveyor/useHandKeys";
import { FeedCard } from "./FeedCard";
import { Header } from "./Header";
import { KeysCard } from "./KeysCard";
import classes from "./LiveScreen.module.css";
import { LogCard } from "./LogCard";
import { Monitor } from "./Monitor";
import { Outage } from "./Outage";
import { StateCard } from "./StateCard";
import { useDeck } from "./useDeck";

const ADD = "channel add main --push rtmp://HOST/APP/KEY";

export function LiveScreen() {
  // Held here and only copied into the address: the next key must reach the channel just chosen, at once.
  const [chosen, choose] = useState(useParams({ strict: false, select: ({ channel }) => channel ?? "" }));
  const navigate = useNavigate();
  const channels = useConsole((state) => state.channels);
  const command = useConsole((state) => state.command);
  const known = useConsole((state) => state.link === "up" && state.gateUp);
  const channel = channels.find((candidate) => candidate.name === chosen) ?? channels[0];
  const name = channel?.name ?? "";
  const show = (wanted: string) => {
    choose(wanted);
    void navigate({ to: "/live/{-$channel}", params: { channel: wanted }, replace: true });
  };
  const deck = useDeck(channel, channels, show);
  const mayReview = useConsole((state) => may(state.rights, "archive:read", name));
  useHandKeys(channel, deck, mayReview);
  const reviewing = useHand((hand) => hand.review !== null) && mayReview;
  const text = useText();
  return (
    <div className={classes.page} data-testid="live">
      <Header shown={name} onShow={show} onDuty={() => deck.watchOver(true)} />
      {channel === undefined ? (
        known && (
          <div className={classes.none}>
            <span>{text.noChannels}</span>
            <Code fz="md">{`${command} ${ADD}`}</Code>
          </div>
        )
      ) : (
        <>
          <section className={classes.screens} data-review={reviewing}>
            <Monitor key={`pvw/${name}`} feed="pvw" channel={channel} heard={deck.heard} onHear={deck.hear} />
            <Monitor key={`pgm/${name}`} feed="pgm" channel={channel} heard={deck.heard} onHear={deck.hear} />
            {reviewing && <ReviewPlayer key={`review/${name}`} channel={channel} />}
          </section>
          <Conveyor key={`conveyor/${name}`} channel={channel} />
          <section className={classes.deck}>
            <StateCard channel={channel} deck={deck} />
            <KeysCard channel={channel} deck={deck} />
            <FeedCard channel={channel} />
            <LogCard channel={channel} deck={deck} />
          </section>
        </>
      )}
      <Outage channel={name} />
    </div>
  );
}
