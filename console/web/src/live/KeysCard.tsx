import { Kbd, UnstyledButton } from "@mantine/core";
import { isCut } from "../api/reducer";
import type { ChannelStatus, ClipStatus } from "../api/types";
import { type Strings, useText } from "../i18n";
import { fillerName } from "./filler";
import { Key } from "./Key";
import classes from "./KeysCard.module.css";
import { NoticeLine } from "./NoticeLine";
import { ReasonLine } from "./ReasonLine";
import type { Deck } from "./useDeck";

export function KeysCard({ channel, deck }: { channel: ChannelStatus; deck: Deck }) {
  const text = useText();
  const { keys } = text;
  const cut = isCut(channel) && channel.state !== "stopped";
  const shared = { channel, deck };
  return (
    <div className={classes.keys}>
      <Key
        {...shared}
        cmd="cut"
        letter="X"
        on={cut}
        label={keys.cut}
        hint={cut ? keys.cutForce : keys.cutHint}
      />
      <Key {...shared} cmd="dump" letter="D" label={keys.dump} hint={keys.dumpHint} />
      <div className={classes.backup}>
        <Key
          {...shared}
          cmd="backup"
          letter="B"
          on={channel.requested === "backup"}
          label={keys.backup}
          hint={clipWords(deck, channel.clips, text)}
        />
        {channel.clips.length > 1 && (
          <UnstyledButton
            className={classes.next}
            title={keys.clipNext}
            aria-label={keys.clipNext}
            onMouseDown={(event) => event.preventDefault()}
            onClick={deck.nextClip}
          >
            <Kbd size="xs">⇧B</Kbd>
          </UnstyledButton>
        )}
      </div>
      <Key {...shared} cmd="restore" letter="R" label={keys.restore} hint={keys.restoreHint} />
      <Key {...shared} cmd="live" letter="L" label={keys.live} hint={keys.liveHint} />
      {deck.asking === null ? (
        <NoticeLine className={classes.notice} />
      ) : (
        <ReasonLine key={deck.asking} asking={deck.asking} onAnswer={deck.answer} />
      )}
    </div>
  );
}

function clipWords({ clip }: Deck, clips: ClipStatus[], text: Strings): string {
  if (clip === undefined) return text.keys.backupNone;
  const place = clips.length > 1 ? `${clips.indexOf(clip) + 1}/${clips.length} ` : "";
  const name = place + fillerName(clip.name, text);
  if (clip.error !== "") return `${name} · ${text.keys.clipFailed}`;
  return clip.ready ? name : `${name} · ${text.keys.clipPreparing}`;
}
