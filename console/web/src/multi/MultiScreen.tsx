/** Up to nine channels at a time. One is chosen, by its number or a click: all keys act on that one alone. */
import { SegmentedControl } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useConsole } from "../api/store";
import type { Feed } from "../api/types";
import { useText } from "../i18n";
import { Header } from "../live/Header";
import { KeysCard } from "../live/KeysCard";
import { LogCard } from "../live/LogCard";
import { Outage } from "../live/Outage";
import { StateCard } from "../live/StateCard";
import { useDeck } from "../live/useDeck";
import { columnsOf, movingOf, pageOf } from "./grid";
import classes from "./MultiScreen.module.css";
import { Tile } from "./Tile";

export function MultiScreen() {
  // As on the Live screen: the next key must reach the channel just chosen, at once.
  const [asked, choose] = useState(useParams({ strict: false, select: ({ channel }) => channel ?? "" }));
  const [feed, setFeed] = useState<Feed>("pvw");
  const navigate = useNavigate();
  const channels = useConsole((state) => state.channels);
  const known = useConsole((state) => state.link === "up" && state.gateUp);
  const chosen = channels.find(({ name }) => name === asked) ?? channels[0];
  const name = chosen?.name ?? "";
  const show = (wanted: string) => {
    choose(wanted);
    void navigate({ to: "/multiview/{-$channel}", params: { channel: wanted }, replace: true });
  };
  const shown = pageOf(channels, name);
  const deck = useDeck(chosen, shown, show);
  const text = useText();
  const columns = columnsOf(shown.length);
  const moving = movingOf(shown, name);
  return (
    <div className={classes.page} data-testid="multiview">
      <Header shown={name} onShow={show} onDuty={() => deck.watchOver(true)} />
      {chosen === undefined ? (
        known && <p className={classes.none}>{text.noChannels}</p>
      ) : (
        <>
          <section
            className={classes.grid}
            aria-label={text.multi.channels}
            style={{
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
              gridTemplateRows: `repeat(${Math.ceil(shown.length / columns)}, minmax(0, 1fr))`,
            }}
          >
            {shown.map((channel, at) => (
              <Tile
                key={channel.name}
                channel={channel}
                number={at + 1}
                feed={feed}
                moving={moving.has(channel.name)}
                chosen={channel.name === name}
                onChoose={show}
              />
            ))}
          </section>
          <aside className={classes.side}>
            <div className={classes.what}>
              <SegmentedControl
                size="xs"
                aria-label={text.multi.feeds}
                value={feed}
                onChange={(value) => setFeed(value as Feed)}
                data={(["pvw", "pgm"] as const).map((value) => ({ value, label: text[value].tag }))}
              />
              <small>{text.multi[feed]}</small>
            </div>
            <h2 className={classes.acts}>
              <span>{text.multi.keysHere}</span>
              {chosen.name}
            </h2>
            <StateCard channel={chosen} deck={deck} />
            <KeysCard channel={chosen} deck={deck} />
            <LogCard channel={chosen} deck={deck} />
          </aside>
        </>
      )}
      <Outage channel={name} />
    </div>
  );
}
