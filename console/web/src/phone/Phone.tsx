/** The page for a phone (`/m`, `/m/CHANNEL`): state, what airs, and one key. For whoever is called at home. */
import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { client } from "../api/client";
import { hasKey, whyRefused } from "../api/press";
import { isCut } from "../api/reducer";
import { useConsole } from "../api/store";
import type { ChannelStatus } from "../api/types";
import { DutyCall, dutyWords } from "../duty/DutyAlarm";
import { LanguageChoice } from "../frame/LanguageChoice";
import { useLanguage, useText } from "../i18n";
import { allAlarms } from "../live/alarms";
import { NoticeLine } from "../live/NoticeLine";
import { Outage } from "../live/Outage";
import { SignInAgain } from "../live/SignInAgain";
import { Picture, StateWord } from "../multi/Tile";
import { PHONE } from "./address";
import { HoldKey } from "./HoldKey";
import classes from "./Phone.module.css";

/** So many names stand beside one another on a phone. */
const FEW = 3;

export function Phone({ first }: { first: string }) {
  const text = useText();
  const channels = useConsole((state) => state.channels);
  const user = useConsole((state) => state.user);
  const [asked, choose] = useState(first);
  const channel = channels.find(({ name }) => name === asked) ?? channels[0];
  const show = (name: string) => {
    choose(name);
    window.history.replaceState(null, "", `${PHONE}/${encodeURIComponent(name)}`);
  };
  return (
    <div className={classes.page} data-testid="phone">
      <title>{`${channel?.name ?? text.multi.phone} · streamgate`}</title>
      <header className={classes.top}>
        <h1>{channel?.name ?? "streamgate"}</h1>
        <span>{user}</span>
        <LanguageChoice />
      </header>
      {channel === undefined ? (
        <main className={classes.none}>{text.noChannels}</main>
      ) : (
        <main className={classes.main}>
          {channels.length > FEW && (
            <select className={classes.choice} aria-label={text.multi.channels} value={channel.name} onChange={(event) => show(event.target.value)}>
              {channels.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
          {channels.length > 1 && channels.length <= FEW && (
            <SegmentedControl fullWidth aria-label={text.multi.channels} value={channel.name} onChange={show} data={channels.map(({ name }) => name)} />
          )}
          <Panel key={channel.name} channel={channel} />
        </main>
      )}
      <DutyCall />
      <Outage channel={channel?.name ?? ""} />
    </div>
  );
}

function Panel({ channel }: { channel: ChannelStatus }) {
  const text = useText();
  const { name } = channel;
  const may = useConsole((state) => state.rights === null || hasKey(state.rights, name, "cut"));
  const idle = useConsole((state) => state.rights?.state === "idle");
  const reason = useConsole((state) => whyRefused(state, name, "cut"));
  return (
    <>
      <div className={classes.picture}>
        <Picture channel={channel} feed="pgm" moving />
      </div>
      <div className={classes.state} data-testid="phone-state" data-state={channel.state}>
        <StateWord channel={channel} />
      </div>
      <Worst channel={name} />
      {channel.duty.state === "asked" && <p className={classes.alarm}>{dutyWords(channel, text)}</p>}
      {may ? (
        <HoldKey inForce={isCut(channel) && channel.state !== "stopped"} disabled={reason !== null} onHeld={() => client.send(name, "cut")} />
      ) : (
        <p className={classes.none}>{text.multi.noCut}</p>
      )}
      <NoticeLine className={classes.notice} channel={channel} />
      {idle && <SignInAgain />}
      <a href={`/live/${encodeURIComponent(name)}`}>{text.multi.toLive}</a>
    </>
  );
}

/** The worst alarm of this channel, or of streamgate itself. */
function Worst({ channel }: { channel: string }) {
  const text = useText();
  const language = useLanguage();
  const channels = useConsole((state) => state.channels);
  const ingestUp = useConsole((state) => state.ingestUp);
  const commentsUp = useConsole((state) => state.commentsUp);
  const warnings = useConsole((state) => state.warnings);
  const mine = channels.filter(({ name }) => name === channel);
  const [worst] = allAlarms(mine, { ingestUp, commentsUp, warnings }, text, language);
  return (
    <p className={classes.alarm} role="alert" data-level={worst?.level ?? ""}>
      {worst?.text ?? ""}
    </p>
  );
}
