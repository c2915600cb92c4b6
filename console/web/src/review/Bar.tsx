import { UnstyledButton } from "@mantine/core";
import { InBar } from "../frame/Frame";
import { useText } from "../i18n";
import { ChannelChips } from "../ui/Channels";
import { useNow } from "../ui/useNow";
import { age, toneOf } from "./cards";
import classes from "./Bar.module.css";
import { minePerMinute } from "./undo";
import { useDesk, useReview } from "./useDesk";

const STAGES = ["1", "2", "3"] as const;

interface Props {
  channel: string;
  channels: string[];
  onShow: (channel: string) => void;
}

/** The screen's part of the bar: channels, how much waits in which stage, how long, and how fast it goes. */
export function Bar({ channel, channels, onShow }: Props) {
  const words = useText().review;
  return (
    <InBar>
      <ChannelChips label={words.channels} channel={channel} channels={channels} onShow={onShow} />
      <Figures />
    </InBar>
  );
}

function Figures() {
  const words = useText().review;
  const desk = useDesk();
  const counts = useReview((state) => state.counts);
  const toldAt = useReview((state) => state.countsAtMs);
  const view = useReview((state) => state.view);
  const now = useNow(1_000);
  const mine = useReview((state) => minePerMinute(state, now));
  if (counts === null) return null;
  const oldest = counts.oldest_waiting_s === null ? null : Math.floor(counts.oldest_waiting_s + Math.max(0, now - toldAt) / 1_000);
  const all = STAGES.reduce((sum, stage) => sum + (counts.stages[stage] ?? 0), 0);
  const shown = view.pile === "waiting" ? view.stage : -1;
  const chip = (stage: number, label: string, count: number) => (
    <UnstyledButton
      key={stage}
      className={classes.chip}
      aria-pressed={shown === stage}
      data-testid={`stage-${stage}`}
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => desk.show({ pile: "waiting", stage })}
    >
      {label} <b>{count}</b>
    </UnstyledButton>
  );
  return (
    <fieldset className={classes.chips} aria-label={words.allStages} data-testid="figures">
      {chip(0, words.counts.waiting, all)}
      {STAGES.map((stage) => chip(Number(stage), words.stages[stage], counts.stages[stage] ?? 0))}
      <span className={classes.age} data-tone={oldest === null ? "fresh" : toneOf(oldest)}>
        {oldest === null ? words.counts.noneWaiting : words.counts.oldest(age(oldest))}
      </span>
      <span className={classes.dim}>
        {words.counts.rate(counts.came_per_minute, counts.decided_per_minute)} · {words.counts.mine(mine)}
      </span>
      {counts.rescanning && (
        <output className={classes.chip} data-tone="warn">
          {words.counts.rescanning}
        </output>
      )}
    </fieldset>
  );
}
