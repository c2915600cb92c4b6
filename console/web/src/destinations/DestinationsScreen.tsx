/** Push destinations of all channels: entered by one person, approved by another (rule R13). */
import "@mantine/core/styles/ActionIcon.css";
import "@mantine/core/styles/PasswordInput.css";
import "@mantine/core/styles/Switch.css";
import { Button } from "@mantine/core";
import { useCallback, useState } from "react";
import { useChannels, useMay } from "../api/channels";
import { may } from "../api/may";
import { useSession } from "../api/session";
import { useText } from "../i18n";
import { Answer, UndoBar, type Undoable } from "../ui/Page";
import page from "../ui/Page.module.css";
import { DestinationItem } from "./DestinationItem";
import { EnterForm } from "./EnterForm";
import { countWaiting, waitingFirst } from "./order";

export function DestinationsScreen() {
  const text = useText();
  const words = text.destinationsScreen;
  const channels = useChannels();
  const session = useSession().data;
  const mayEnter = useMay("destination:enter");
  const [entering, enter] = useState(false);
  const [removed, setRemoved] = useState<Undoable | null>(null);
  const forget = useCallback(() => setRemoved(null), []);
  const all = channels.data?.channels ?? [];
  const waiting = countWaiting(all);
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1>{words.title}</h1>
        {channels.data !== undefined && (
          <output className={page.badge} data-tone={waiting > 0 ? "warn" : ""} data-testid="waiting">
            {waiting > 0 ? words.waiting(waiting) : words.nothingWaits}
          </output>
        )}
        {mayEnter && !entering && all.length > 0 && (
          <Button size="xs" onClick={() => enter(true)}>
            {words.add}
          </Button>
        )}
      </header>
      <p className={page.hint}>{words.hint}</p>
      {entering && <EnterForm channels={all.map(({ name }) => name).filter((name) => may(session, "destination:enter", name))} onClose={() => enter(false)} />}
      <Answer asked={channels}>
        {all.length === 0 && <p className={page.blank}>{words.noChannels}</p>}
        {waitingFirst(all).map((channel) => (
          <section key={channel.name} className={page.card} data-channel={channel.name}>
            <h2>{channel.name}</h2>
            {channel.destinations.length === 0 && <p className={page.dim}>{words.noneInChannel}</p>}
            {channel.destinations.map((one) => (
              <DestinationItem key={one.name} channel={channel.name} one={one} onRemoved={setRemoved} />
            ))}
          </section>
        ))}
      </Answer>
      <UndoBar removed={removed} onGone={forget} />
    </div>
  );
}
