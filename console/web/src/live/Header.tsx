import { UnstyledButton } from "@mantine/core";
import { useConsole } from "../api/store";
import type { ChannelStatus } from "../api/types";
import { DutyChip } from "../duty/DutyChip";
import { InBar } from "../frame/Frame";
import { Icon } from "../frame/Icon";
import { useLanguage, useText } from "../i18n";
import { clock } from "../ui/format";
import { useNow } from "../ui/useNow";
import { type Alarm, allAlarms } from "./alarms";
import { archiveSummary } from "./archive";
import { stateColour } from "./colours";
import classes from "./Header.module.css";
import { Lamp } from "./Lamp";

const MANY = 3; // more channels than this leave no room for their states in words
/** The screen's part of the bar: channels, the worst alarm, the archive, the clock. */
export function Header({ shown, onShow, onDuty }: { shown: string; onShow: (name: string) => void; onDuty: () => void }) {
  const channels = useConsole((state) => state.channels);
  const ingestUp = useConsole((state) => state.ingestUp);
  const commentsUp = useConsole((state) => state.commentsUp);
  const warnings = useConsole((state) => state.warnings);
  const text = useText();
  const language = useLanguage();
  return (
    <InBar>
      <div
        className={classes.tabs}
        data-many={channels.length > MANY}
        role="tablist"
        aria-label={text.header.channels}
      >
        {channels.map((channel, index) => (
          <Tab key={channel.name} channel={channel} number={index + 1} shown={channel.name === shown} onShow={onShow} />
        ))}
      </div>
      <DutyChip channel={shown} onOpen={onDuty} />
      <Others channel={shown} />
      <div className={classes.alarms} role="alert" aria-label={text.header.alarms}>
        <AlarmLine alarms={allAlarms(channels, { ingestUp, commentsUp, warnings }, text, language)} naming={channels.length > 1} />
      </div>
      <ArchiveChip channels={channels} shown={shown} />
      <Clock />
    </InBar>
  );
}

function bringIntoView(tab: HTMLElement | null): void {
  tab?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

interface TabProps {
  channel: ChannelStatus;
  number: number;
  shown: boolean;
  onShow: (name: string) => void;
}

function Tab({ channel, number, shown, onShow }: TabProps) {
  const text = useText();
  return (
    <UnstyledButton
      className={classes.tab}
      role="tab"
      ref={shown ? bringIntoView : undefined}
      title={`${channel.name}: ${text.states[channel.state].word}`}
      aria-selected={shown}
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => onShow(channel.name)}
    >
      <Lamp colour={stateColour[channel.state]} />
      <span>
        {number} <b>{channel.name}</b>
      </span>
      <em>{text.states[channel.state].word}</em>
    </UnstyledButton>
  );
}

/** The worst alarm in full; the others are counted here and stand in the feed card and the log. */
function AlarmLine({ alarms, naming }: { alarms: Alarm[]; naming: boolean }) {
  const text = useText();
  const [worst] = alarms;
  if (worst === undefined) return null;
  const where = naming && worst.channel !== "" ? `${worst.channel}: ` : "";
  return (
    <div className={classes.alarm} data-level={worst.level} title={alarms.map((alarm) => alarm.text).join("\n")}>
      <b>{worst.level === "alarm" ? "⚠" : "△"}</b>
      <span>
        {where}
        {worst.text}
      </span>
      {alarms.length > 1 && <b>{text.header.more(alarms.length - 1)}</b>}
    </div>
  );
}

/** Who else has this channel before them; it takes its room from the tabs, so that nothing else moves. */
function Others({ channel }: { channel: string }) {
  const text = useText();
  const user = useConsole((state) => state.user);
  const present = useConsole((state) => state.present[channel]);
  const others = (present ?? []).filter((one) => one.user !== user);
  const names = others.map((one) => (one.idle ? text.live.away(one.user) : one.user));
  return (
    <output className={classes.others} aria-label={text.live.others} title={`${text.live.others}: ${names.join(" · ")}`} data-testid="others">
      {names.length > 0 && (
        <>
          <Icon>
            <path d="M9 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 20c0-3.5 3-6 7-6s7 2.5 7 6M16 4.5a4 4 0 0 1 0 7M18 14.5c2.5.9 4 3 4 5.5" />
          </Icon>
          <span>
            {names[0]}
            <span className={classes.further}>{names.slice(1).map((name) => ` · ${name}`)}</span>
          </span>
          {names.length > 1 && <b>+{names.length - 1}</b>}
        </>
      )}
    </output>
  );
}

function ArchiveChip({ channels, shown }: { channels: ChannelStatus[]; shown: string }) {
  const text = useText();
  const channel = channels.find((candidate) => candidate.name === shown);
  if (channel === undefined) return null;
  const { colour, words } = archiveSummary(channel, channels, text);
  return (
    <span className={classes.chip} data-colour={colour} title={channel.archive.path}>
      {words}
    </span>
  );
}

function Clock() {
  const text = useText();
  const offset = useConsole((state) => state.clockOffsetMs);
  const now = useNow(200);
  return (
    <time className={classes.clock} title={text.header.clock}>
      {clock(now + offset)}
    </time>
  );
}
