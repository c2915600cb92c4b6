/** Duty: the roster of a channel, what happens when nobody is there, practices and one's own reaction time. */
import "@mantine/core/styles/NumberInput.css";
import { Button, NativeSelect } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useMay } from "../api/channels";
import { useConsole } from "../api/store";
import { useLanguage, useText } from "../i18n";
import page from "../ui/Page.module.css";
import { shortTime } from "../ui/people";
import { canAskToNotify } from "./alarm";
import { dutyWords } from "./DutyAlarm";
import { isWanted } from "./duty";
import { PracticePart } from "./PracticePart";
import { ReactionPart } from "./ReactionPart";
import { RosterPart } from "./RosterPart";
import { WatchPart } from "./WatchPart";

export function DutyScreen() {
  const text = useText();
  const language = useLanguage();
  const navigate = useNavigate();
  const asked = useParams({ strict: false, select: ({ channel }) => channel ?? "" });
  const all = useConsole((state) => state.channels);
  const channels = all.filter((one) => !one.practice);
  const channel = channels.find(({ name }) => name === asked) ?? channels[0];
  const maySet = useMay("settings:read", channel?.name);
  const mayPractise = useMay("practice:run");
  const [canAsk, setCanAsk] = useState(canAskToNotify);
  const allow = () => void window.Notification.requestPermission().then(() => setCanAsk(canAskToNotify()));
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1>{text.duty.title}</h1>
        {channels.length > 1 && (
          <NativeSelect
            aria-label={text.duty.channel}
            data={channels.map(({ name }) => name)}
            value={channel?.name}
            onChange={(event) => void navigate({ to: "/duty/{-$channel}", params: { channel: event.currentTarget.value } })}
          />
        )}
        {canAsk && (
          <Button size="xs" variant="default" title={text.duty.notifyHint} onClick={allow}>
            {text.duty.notify}
          </Button>
        )}
      </header>
      <p className={page.hint}>{text.duty.hint}</p>
      {channel !== undefined && (
        <>
          <section className={page.card} data-testid="duty-now" data-state={channel.duty.state}>
            <h2>
              {text.duty.now}: {channel.name}
            </h2>
            <div className={page.row}>
              <span className={page.badge} data-tone={isWanted(channel) ? "warn" : channel.duty.state === "there" ? "good" : ""}>
                {text.duty.states[channel.duty.state]}
              </span>
              <span className={page.grow}>
                {channel.duty.people.map(({ name, until }) => text.duty.until(name, shortTime(until, language))).join(" · ") || text.duty.nobody}
              </span>
              {channel.duty.next && (
                <span className={page.dim}>{text.duty.following(channel.duty.next.name, shortTime(channel.duty.next.at, language))}</span>
              )}
            </div>
            {isWanted(channel) && <p className={page.warn}>{dutyWords(channel, text)}</p>}
          </section>
          <RosterPart key={channel.name} channel={channel.name} />
          {maySet && <WatchPart key={`watch ${channel.name}`} channel={channel.name} />}
        </>
      )}
      {mayPractise && <PracticePart />}
      {mayPractise && <ReactionPart />}
    </div>
  );
}
