import { useText } from "../i18n";
import classes from "./Aside.module.css";
import { useBroadcasts, useCertificate } from "./questions";
import { useDeck } from "./useDeck";
import type { Room } from "./useRoom";

const seconds = (value: number | null) => (value === null ? "–" : value.toFixed(3));

/** For how long the live packets of the broadcast were held that the playhead is in (rule R1). */
export function Certificate({ room }: { room: Room }) {
  const words = useText().recordings.certificate;
  const found = useBroadcasts(room.channel, room.span).data?.broadcasts ?? [];
  const id = useDeck(room.deck, ({ at }) => (at === null ? "" : (found.find((one) => one.start <= at + 1 && at < one.end)?.id ?? "")));
  const one = useCertificate(room.channel, id).data?.certificate ?? null;
  if (one === null) return null;
  return (
    <section className={classes.certificate} aria-label={words.label} data-testid="certificate">
      <h2>{words.label}</h2>
      {one.packets === 0 ? (
        <p>{words.none}</p>
      ) : (
        <>
          <p>{words.least(seconds(one.min_s), String(one.floor_s), one.below_floor)}</p>
          <p>{words.spread(seconds(one.p50_s), seconds(one.p99_s), seconds(one.max_s))}</p>
          <p>
            {words.packets(one.packets.toLocaleString("en"))}
            {one.ended ? "" : ` · ${words.going}`}
          </p>
        </>
      )}
    </section>
  );
}
