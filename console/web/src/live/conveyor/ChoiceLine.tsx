/** What is under the hand, in words, and what can be done with it: at the place of notices, beside the cut key. */
import { Kbd, UnstyledButton } from "@mantine/core";
import { hasKey } from "../../api/press";
import { cutToUndo } from "../../api/reducer";
import { useConsole } from "../../api/store";
import type { ChannelStatus } from "../../api/types";
import { useText } from "../../i18n";
import { useNow } from "../../ui/useNow";
import { type Deck, UNDO } from "../useDeck";
import classes from "./Line.module.css";
import { commit } from "./commands";
import { HOW, REDACTIONS } from "./keys";
import { wordsOf } from "./Spans";
import { act, useHand, wallNow } from "./stores";
import { airsIn, snap, snapToGroups } from "./track";

export function ChoiceLine({ channel, deck }: { channel: ChannelStatus; deck: Deck }) {
  const chosen = useHand((hand) => hand.chosen);
  const picked = useHand((hand) => hand.picked);
  const drawn = useHand((hand) => hand.box !== null);
  if (chosen !== null) return <ChosenLine channel={channel} />;
  if (picked !== null) return <PickedLine channel={channel} deck={deck} id={picked} />;
  return drawn ? <BoxLine /> : null;
}

/** A box alone does nothing: a span says for how long the mosaic lies over it. */
function BoxLine() {
  const words = useText().conveyor;
  return (
    <div className={classes.line} data-testid="box-alone">
      <output>{words.boxAlone}</output>
      <Act keys="Esc" label={words.leave} onPress={() => act({ type: "drop" })} quiet />
    </div>
  );
}

function ChosenLine({ channel }: { channel: ChannelStatus }) {
  const text = useText();
  const words = text.conveyor;
  const chosen = useHand((hand) => hand.chosen);
  const may = useConsole((state) => hasKey(state.rights, channel.name, "condemn"));
  const mayRedact = useConsole((state) => hasKey(state.rights, channel.name, "redact"));
  useNow(250);
  if (chosen === null) return null;
  const now = wallNow();
  const groups = snapToGroups(chosen, channel.keyframes_at, now);
  const labels = { ...words.redact, mosaic: words.mosaicOver(groups.to - groups.from, groups.openEnd) };
  const snapped = snap(chosen, channel.keyframes_at, now);
  const window = { now, delayS: channel.delay_s };
  const seconds = snapped.to - snapped.from;
  return (
    <div className={classes.line} data-testid="choice" data-why={chosen.why}>
      <output>
        {words.willNotAir(seconds, chosen.to - chosen.from, snapped.openEnd)} · {text.belt.toAir(Math.max(0, Math.floor(airsIn(window, snapped.from))))}
        {words.why[chosen.why] !== "" && ` · ${words.why[chosen.why]}`}
      </output>
      {may && <Act keys="Enter" label={words.condemn} onPress={() => commit.condemn(channel)} strong />}
      {mayRedact && HOW.map((how) => <Act key={how} keys={REDACTIONS[how]} label={labels[how]} onPress={() => commit.redact(channel, how)} />)}
      <Act keys="Esc" label={words.leave} onPress={() => act({ type: "drop" })} quiet />
    </div>
  );
}

function PickedLine({ channel, deck, id }: { channel: ChannelStatus; deck: Deck; id: string }) {
  const text = useText();
  const span = channel.spans.find((one) => one.id === id);
  const may = useConsole((state) => hasKey(state.rights, channel.name, "lift"));
  if (span === undefined || span.to_at === null) return null;
  return (
    <div className={classes.line} data-testid="picked">
      <output>{wordsOf(span, span.to_at - span.from_at, text)}</output>
      {may && <Act keys="Del" label={text.conveyor.lift} onPress={() => deck.askLift(id)} strong />}
      <Act keys="Esc" label={text.conveyor.leave} onPress={() => act({ type: "pick", id: null })} />
    </div>
  );
}

/** Offered while a cut holds back what has not reached air, to those who may take it back. */
export function UndoCut({ channel, deck }: { channel: ChannelStatus; deck: Deck }) {
  const text = useText();
  const may = useConsole((state) => hasKey(state.rights, channel.name, "uncut"));
  if (!may || !cutToUndo(channel)) return null;
  return (
    <span className={classes.undo} data-testid="undo-cut">
      <Act keys={UNDO} label={text.conveyor.uncut} onPress={deck.askUncut} />
    </span>
  );
}

interface ActProps {
  keys: string;
  label: string;
  onPress: () => void;
  strong?: boolean;
  /** Where there is little room its key says enough. */
  quiet?: boolean;
}

function Act({ keys, label, onPress, strong = false, quiet = false }: ActProps) {
  return (
    <UnstyledButton className={classes.act} data-strong={strong} data-quiet={quiet} aria-keyshortcuts={keys} onMouseDown={(event) => event.preventDefault()} onClick={onPress}>
      <Kbd size="xs">{keys}</Kbd> <span>{label}</span>
    </UnstyledButton>
  );
}
