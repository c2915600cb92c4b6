import { Kbd, UnstyledButton } from "@mantine/core";
import { hasKey, whyRefused } from "../api/press";
import { useConsole } from "../api/store";
import type { ChannelStatus, Command } from "../api/types";
import { useText } from "../i18n";
import { type Act, keysOf } from "../keys/keymap";
import { useKeymap } from "../keys/useKeys";
import classes from "./Key.module.css";
import type { Deck } from "./useDeck";

interface KeyProps {
  cmd: Act & Command;
  label: string;
  channel: ChannelStatus;
  deck: Deck;
  hint?: string;
  title?: string | undefined;
  on?: boolean;
  armed?: boolean;
  /** Somebody waits for this key to be pressed. */
  wanted?: boolean;
  small?: boolean;
}

/**
 * One key of the desk; whoever may not press it on this channel has none. What cannot be done now is dimmed, yet still answers a press: with the reason. It never takes the
 * focus from a mouse press, so that a later space bar does not press it again.
 */
export function Key({ cmd, label, channel, deck, hint, title, on = false, armed = false, wanted = false, small = false }: KeyProps) {
  const text = useText();
  const letters = keysOf(useKeymap(), cmd);
  const has = useConsole((state) => hasKey(state.rights, channel.name, cmd));
  const reason = useConsole((state) => whyRefused(state, channel.name, cmd));
  const pending = useConsole((state) =>
    Object.values(state.pending).some((asked) => asked.cmd === cmd && asked.channel === channel.name),
  );
  if (!has) return null;
  const names = [classes.key, cmd === "cut" && classes.cut, small && classes.small].filter(Boolean).join(" ");
  return (
    <UnstyledButton
      className={names}
      data-key={cmd}
      data-on={on}
      data-armed={armed}
      data-wanted={wanted}
      data-pending={pending}
      aria-disabled={reason !== null}
      aria-keyshortcuts={letters.join(" ")}
      title={reason === null ? title : text.reasons[reason]}
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => deck.press(cmd)}
    >
      <span className={classes.label}>{label}</span>
      {hint !== undefined && <small>{hint}</small>}
      {letters.length > 0 && (
        <Kbd className={classes.kbd} size="xs" title={letters.join(" ")}>
          {letters[0]}
        </Kbd>
      )}
    </UnstyledButton>
  );
}
