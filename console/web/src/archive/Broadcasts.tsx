import { useText } from "../i18n";
import { duration } from "../ui/format";
import { Answer } from "../ui/Page";
import { size } from "../ui/people";
import classes from "./Archive.module.css";
import { clockOf, dayOf } from "./days";
import { type RecordedBroadcast, useBroadcasts, useExpiring } from "./questions";
import { useDeck } from "./useDeck";
import type { Room } from "./useRoom";

/** The broadcasts of the day. */
export function Broadcasts({ room, never }: { room: Room; never: boolean }) {
  const words = useText().recordings.broadcasts;
  const asked = useBroadcasts(room.channel, room.span);
  const at = useDeck(room.deck, (state) => (state.at === null ? null : Math.floor(state.at)));
  return (
    <section className={classes.broadcasts} aria-label={words.label} data-testid="broadcasts">
      <Answer asked={asked}>
        {asked.data?.broadcasts.length === 0 && <p className={classes.blank}>{never ? words.never : words.nothing}</p>}
        {asked.data?.broadcasts.toReversed().map((one) => (
          <One key={one.id} one={one} chosen={at !== null && one.start <= at + 1 && at < one.end} onPick={() => room.goTo(Math.max(one.start, room.span.start))} />
        ))}
      </Answer>
    </section>
  );
}

function One({ one, chosen, onPick }: { one: RecordedBroadcast; chosen: boolean; onPick: () => void }) {
  const words = useText().recordings.broadcasts;
  const lost = one.losses.reduce((sum, { start, end }) => sum + end - start, 0);
  return (
    <button type="button" className={classes.broadcast} data-chosen={chosen} data-broadcast={one.id} onClick={onPick}>
      <b>
        {clockOf(one.start)} – {clockOf(one.end)}
      </b>
      <small>
        {duration(Math.round(one.end - one.start))} · {one.parts === 0 ? words.empty : size(one.bytes)}
      </small>
      <span className={classes.tags}>
        {one.cuts > 0 && <i data-tone="bad">{words.cuts(one.cuts)}</i>}
        {one.losses.length > 0 && <i data-tone="warn">{words.gap(duration(Math.max(1, Math.round(lost))))}</i>}
        {one.holds.length > 0 && <i data-tone="info">{words.held}</i>}
        {one.cuts === 0 && one.losses.length === 0 && one.parts > 0 && <i>{words.whole}</i>}
      </span>
      {one.parts > 0 && <small>{words.kept(dayOf(one.expires_at))}</small>}
    </button>
  );
}

/** When the next recordings go. */
export function Expiring({ channel }: { channel: string }) {
  const words = useText().recordings;
  const found = useExpiring(channel).data?.expiring.filter(({ held, parts }) => held < parts);
  if (found === undefined) return null;
  const first = Math.min(...found.map(({ first_at }) => first_at));
  return <p className={classes.expiring}>{found.length === 0 ? words.noneExpiring : words.expiring(found.length, dayOf(first).slice(5))}</p>;
}
