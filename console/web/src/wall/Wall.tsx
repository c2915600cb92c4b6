/**
 * A screen for a television (`?wall` at any address; `/live/CHANNEL?wall` for one channel): pictures and states, no
 * controls, no keys, no sound. `?wall=all`, or without a channel where there are several: all of them.
 */
import { useConsole } from "../api/store";
import type { ChannelStatus } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { allAlarms } from "../live/alarms";
import { wantedInput } from "../live/camera";
import { stateColour } from "../live/colours";
import { Outage } from "../live/Outage";
import { columnsOf, movingOf, pageOf } from "../multi/grid";
import { Picture, StateWord } from "../multi/Tile";
import { clock } from "../ui/format";
import { useNow } from "../ui/useNow";
import type { WallAddress } from "./address";
import classes from "./Wall.module.css";

export function Wall({ address }: { address: WallAddress }) {
  const text = useText();
  const channels = useConsole((state) => state.channels);
  const asked = channels.find(({ name }) => name === address.channel);
  const one = address.all ? undefined : (asked ?? (channels.length === 1 ? channels[0] : undefined));
  return (
    <div className={classes.wall} data-testid="wall">
      <title>{`${text.multi.wall} · streamgate`}</title>
      <Top name={one?.name ?? "streamgate"} />
      {channels.length === 0 ? <p className={classes.none}>{text.noChannels}</p> : one === undefined ? <All channels={pageOf(channels, "")} /> : <One channel={one} />}
      <Outage channel={one?.name ?? ""} />
    </div>
  );
}

function Top({ name }: { name: string }) {
  const text = useText();
  const language = useLanguage();
  const channels = useConsole((state) => state.channels);
  const ingestUp = useConsole((state) => state.ingestUp);
  const commentsUp = useConsole((state) => state.commentsUp);
  const warnings = useConsole((state) => state.warnings);
  const offset = useConsole((state) => state.clockOffsetMs);
  const now = useNow(500);
  const [worst] = allAlarms(channels, { ingestUp, commentsUp, warnings }, text, language);
  const where = worst !== undefined && worst.channel !== "" && channels.length > 1 ? `${worst.channel}: ` : "";
  return (
    <header className={classes.top}>
      <h1>{name}</h1>
      <p role="alert" data-level={worst?.level ?? ""}>
        {worst === undefined ? "" : `${where}${worst.text}`}
      </p>
      <time>{clock(now + offset)}</time>
    </header>
  );
}

/** What airs, large; beside it what comes in, and how far ahead. */
function One({ channel }: { channel: ChannelStatus }) {
  const text = useText();
  const others = useConsole((state) => state.channels).filter(({ name }) => name !== channel.name);
  return (
    <main className={classes.one} data-others={others.length > 0}>
      <section className={classes.box} data-tally={stateColour[channel.state]}>
        <Picture channel={channel} feed="pgm" moving>
          <b className={classes.tag}>{text.pgm.tag}</b>
        </Picture>
      </section>
      <aside className={classes.aside}>
        <section className={classes.box} data-tally={wantedInput(channel).connected ? "green" : "off"}>
          <Picture channel={channel} feed="pvw" moving>
            <b className={classes.tag}>{text.pvw.tag}</b>
          </Picture>
        </section>
        <div className={classes.state} data-testid="wall-state">
          <StateWord channel={channel} />
        </div>
        <Ahead channel={channel} />
      </aside>
      {others.length > 0 && (
        <footer className={classes.others}>
          {others.map((other) => (
            <span key={other.name}>
              {other.name} <StateWord channel={other} />
            </span>
          ))}
        </footer>
      )}
    </main>
  );
}

function Ahead({ channel }: { channel: ChannelStatus }) {
  const text = useText();
  if (channel.state === "stopped" || channel.lead_s === null) return null;
  return (
    <p className={classes.ahead}>
      {channel.lead_s.toFixed(1)} s <small>{text.lead}</small>
    </p>
  );
}

/** Nine channels at most, what airs of each. */
function All({ channels }: { channels: ChannelStatus[] }) {
  const columns = columnsOf(channels.length);
  const moving = movingOf(channels, "");
  return (
    <main className={classes.all} style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
      {channels.map((channel) => (
        <section key={channel.name} className={classes.box} data-tally={stateColour[channel.state]} data-tile={channel.name}>
          <Picture key={String(moving.has(channel.name))} channel={channel} feed="pgm" moving={moving.has(channel.name)} />
          <h2 className={classes.foot}>
            {channel.name} <StateWord channel={channel} />
          </h2>
        </section>
      ))}
    </main>
  );
}
