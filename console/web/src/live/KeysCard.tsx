import { Kbd, UnstyledButton } from "@mantine/core";
import { askedBy, hasKey } from "../api/press";
import { isCut } from "../api/reducer";
import { useConsole } from "../api/store";
import type { ChannelStatus, ClipStatus, Command } from "../api/types";
import { DutyLine } from "../duty/DutyLine";
import { type Strings, useText } from "../i18n";
import { keysOf } from "../keys/keymap";
import { useKeymap } from "../keys/useKeys";
import { person } from "../ui/format";
import { fillerName, STANDBY } from "./filler";
import { ChoiceLine, UndoCut } from "./conveyor/ChoiceLine";
import { useHand } from "./conveyor/stores";
import { Key } from "./Key";
import classes from "./KeysCard.module.css";
import { NoteLine } from "./NoteLine";
import { NoticeLine } from "./NoticeLine";
import { ReasonLine } from "./ReasonLine";
import { SignInAgain } from "./SignInAgain";
import type { Deck } from "./useDeck";

const KEYS: Command[] = ["cut", "dump", "backup", "restore", "live", "start", "stop"];

/** The keys of this person on this channel. Each has its own place, which stays empty without it. */
export function KeysCard({ channel, deck }: { channel: ChannelStatus; deck: Deck }) {
  const text = useText();
  const { keys } = text;
  const cut = isCut(channel) && channel.state !== "stopped";
  const shared = { channel, deck };
  const underHand = useHand(
    ({ chosen, picked, box }) => chosen !== null || box !== null || channel.spans.some(({ id, to_at: end }) => id === picked && end !== null),
  );
  const idle = useConsole(({ rights }) => rights?.state === "idle");
  const none = useConsole(
    ({ rights }) => rights !== null && !KEYS.some((cmd) => hasKey(rights, channel.name, cmd)),
  );
  return (
    <div className={classes.keys} data-testid="keys">
      <Key
        {...shared}
        cmd="cut"
        on={cut}
        label={keys.cut}
        hint={cut ? keys.cutForce : keys.cutHint}
      />
      <Key {...shared} cmd="dump" label={keys.dump(channel.dump_s)} hint={keys.dumpHint} />
      <BackupKey {...shared} />
      <RestoreKey {...shared} />
      <Key {...shared} cmd="live" label={keys.live} hint={keys.liveHint} />
      {none && !idle && <p className={classes.none}>{text.live.onlyWatch}</p>}
      {idle && <SignInAgain />}
      {deck.asking !== null ? (
        <ReasonLine key={deck.asking} asking={deck.asking} onAnswer={deck.answer} ownWords={deck.ownWords} />
      ) : (
        <>
          {underHand ? <ChoiceLine channel={channel} deck={deck} /> : <NoticeLine className={classes.notice} channel={channel} />}
          {!underHand && !deck.noting && !deck.onDuty && <UndoCut channel={channel} deck={deck} />}
          {deck.onDuty && <DutyLine key={`duty ${channel.name}`} channel={channel} onClose={() => deck.watchOver(false)} />}
          {deck.noting && !deck.onDuty && <NoteLine key={channel.name} channel={channel.name} note={deck.note} />}
        </>
      )}
    </div>
  );
}

interface Shared {
  channel: ChannelStatus;
  deck: Deck;
}

function BackupKey({ channel, deck }: Shared) {
  const text = useText();
  const [letter] = keysOf(useKeymap(), "backup");
  const has = useConsole((state) => hasKey(state.rights, channel.name, "backup"));
  if (!has) return null;
  return (
    <div className={classes.backup}>
      <Key
        channel={channel}
        deck={deck}
        cmd="backup"
        on={channel.requested === "backup"}
        label={text.keys.backup}
        hint={clipWords(deck, channel.clips, text)}
      />
      {channel.clips.length > 1 && (
        <UnstyledButton
          className={classes.next}
          title={text.keys.clipNext}
          aria-label={`${text.keys.clipNext} ⇧${letter ?? ""}`}
          onMouseDown={(event) => event.preventDefault()}
          onClick={deck.nextClip}
        >
          <Kbd size="xs">{`⇧${letter ?? ""}`}</Kbd>
        </UnstyledButton>
      )}
    </div>
  );
}

/** Ends the cut, or confirms what somebody else asked for where two people must. */
function RestoreKey({ channel, deck }: Shared) {
  const text = useText();
  const user = useConsole((state) => state.user);
  const waiting = channel.waiting_restore;
  const by = askedBy(channel, user);
  const confirms = waiting !== null && by === "other";
  const hint = confirms
    ? text.live.confirmHint(person(waiting.actor))
    : by === "me"
      ? text.live.waitsHint
      : channel.restore_needs_two
        ? text.live.byTwo
        : text.keys.restoreHint;
  return (
    <Key
      channel={channel}
      deck={deck}
      cmd="restore"
      wanted={confirms}
      label={confirms ? confirmWords(waiting.what, text) : text.keys.restore}
      hint={hint}
      title={waiting?.reason}
    />
  );
}

function confirmWords(what: string, text: Strings): string {
  return what === "restore" ? text.live.confirm : text.live.confirmOf(text.commands[what as Command]);
}

function clipWords({ clip }: Deck, clips: ClipStatus[], text: Strings): string {
  if (clip === undefined) return text.keys.backupNone;
  const place = clips.length > 1 ? `${clips.indexOf(clip) + 1}/${clips.length} ` : "";
  const name = place + fillerName(clip.name, text);
  if (clip.error !== "") return `${name} · ${text.keys.clipFailed}`;
  if (clip.name === STANDBY && !clip.ready) return `${name} · ${text.multi.standbyAway}`;
  return clip.ready ? name : `${name} · ${text.keys.clipPreparing}`;
}
