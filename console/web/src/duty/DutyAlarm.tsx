import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { useConsole } from "../api/store";
import type { ChannelStatus } from "../api/types";
import { type Strings, useText } from "../i18n";
import { duration } from "../ui/format";
import { beep, notify } from "./alarm";
import classes from "./Duty.module.css";
import { isAlone, wanted } from "./duty";

const ALARM_HZ = 880;
const ASK_HZ = 440;
const EVERY_MS = 2_000;

/** On every screen: a line while nobody on duty is there, a sound, a notification. On Live the header says the same. */
export function DutyAlarm({ inHeader }: { inHeader: boolean }) {
  const text = useText();
  const [worst, ...others] = wanted(useConsole((state) => state.channels));
  return (
    <>
      <DutyCall />
      {worst !== undefined && !inHeader && (
        <div className={classes.alarm} role="alert" data-testid="duty-alarm" data-state={worst.duty.state}>
          <b>{isAlone(worst.duty) ? "⚠" : "△"}</b>
          <span>{dutyWords(worst, text)}</span>
          {others.length > 0 && <b>{text.header.more(others.length)}</b>}
          <Link to="/duty/{-$channel}" params={{ channel: worst.name }}>
            {text.duty.look}
          </Link>
        </div>
      )}
    </>
  );
}

/** What is heard, and what stands over other windows, while somebody is wanted; draws nothing. */
export function DutyCall() {
  const calls = wanted(useConsole((state) => state.channels));
  const called = calls.length > 0;
  const alone = calls.some(({ duty }) => isAlone(duty));
  useEffect(() => {
    if (!called) return undefined;
    const sound = () => beep(alone ? ALARM_HZ : ASK_HZ);
    sound();
    const timer = window.setInterval(sound, alone ? EVERY_MS : 3 * EVERY_MS);
    return () => window.clearInterval(timer);
  }, [called, alone]);
  return calls.map(({ name, duty }) => <Notification key={name} channel={name} alone={isAlone(duty)} />);
}

function Notification({ channel, alone }: { channel: string; alone: boolean }) {
  const { duty } = useText();
  const words = alone ? duty.noticeAlone(channel) : duty.noticeAsk(channel);
  useEffect(() => notify(channel, words), [channel, words]);
  return null;
}

export function dutyWords({ name, duty }: ChannelStatus, text: Strings): string {
  if (duty.state === "covered") return text.duty.covered(name, duration(duty.gone_s));
  if (duty.state === "absent") return text.duty.absent(name, duration(duty.gone_s));
  return text.duty.askedOn(name, Math.ceil(duty.alarm_in_s ?? 0));
}
