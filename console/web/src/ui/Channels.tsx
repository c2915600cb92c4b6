/** Screens for one channel at a time: which one the address names, the chips that choose another, none at all. */
import { UnstyledButton } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { may } from "../api/may";
import { useSession } from "../api/session";
import { useConsole } from "../api/store";
import type { Right } from "../api/types";
import classes from "./Channels.module.css";

/**
 * The channel that the address names, else the first one; undefined where the person lacks the right.
 * The gate may be away, and with it the list of channels: a channel that is named is shown all the same.
 */
export function useOneChannel(right: Right): { channel: string | undefined; channels: string[] } {
  const asked = useParams({ strict: false, select: ({ channel }) => channel });
  const session = useSession().data;
  const known = useConsole((state) => state.channels);
  const channels = known.map(({ name }) => name).filter((name) => may(session, right, name));
  const name = asked ?? channels[0];
  return { channel: name !== undefined && may(session, right, name) ? name : undefined, channels };
}

interface Props {
  label: string;
  channel: string;
  channels: readonly string[];
  onShow: (channel: string) => void;
}

export function ChannelChips({ label, channel, channels, onShow }: Props) {
  return (
    <nav className={classes.chips} aria-label={label}>
      {(channels.includes(channel) ? channels : [channel, ...channels]).map((name) => (
        <UnstyledButton
          key={name}
          className={classes.chip}
          aria-current={name === channel ? "page" : undefined}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onShow(name)}
        >
          {name}
        </UnstyledButton>
      ))}
    </nav>
  );
}

/** What stands in the middle of a screen that has nothing to show yet. */
export function Placeholder({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className={classes.none}>
      <h1>{title}</h1>
      {children}
    </div>
  );
}
