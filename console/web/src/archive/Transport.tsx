import { Kbd, UnstyledButton } from "@mantine/core";
import { useMay } from "../api/channels";
import { useText } from "../i18n";
import classes from "./Transport.module.css";
import { type Act, KEY_OF } from "./keys";
import { useDeck } from "./useDeck";
import { type Room, spanOf } from "./useRoom";

const PLAYER: readonly Act[] = ["back", "play", "ahead", "frameBack", "frame", "slower", "faster", "previous", "next"];
const SPAN: readonly Act[] = ["in", "out", "export", "hold"];

/** One button an act, its key on it. */
export function Transport({ room }: { room: Room }) {
  const words = useText().recordings;
  const playing = useDeck(room.deck, (state) => state.playing);
  const rate = useDeck(room.deck, (state) => state.rate);
  const mayHold = useMay("archive:hold", room.channel);
  const mayExport = useMay("archive:export", room.channel);
  const span = spanOf(room.marks);
  const key = (act: Act) => {
    const barred = (act === "hold" && !mayHold) || (act === "export" && !mayExport);
    const dimmed = barred || ((act === "hold" || act === "export") && span === null);
    const label = act === "play" && playing ? words.acts.pause : words.acts[act];
    return (
      <UnstyledButton
        key={act}
        className={classes.key}
        data-act={act}
        data-on={(act === "play" && playing) || room.panel === act || (act === "in" && room.marks.in !== null) || (act === "out" && room.marks.out !== null)}
        aria-disabled={dimmed}
        aria-keyshortcuts={KEY_OF[act]}
        title={barred ? words.span.noRight : words.actsInFull[act]}
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => room.press(act)}
      >
        <span>{label}</span>
        <Kbd size="xs">{KEY_OF[act]}</Kbd>
      </UnstyledButton>
    );
  };
  return (
    <div className={classes.row} role="toolbar" aria-label={words.transport} data-testid="transport">
      {PLAYER.slice(0, 7).map(key)}
      <output className={classes.rate}>{words.speed(rate)}</output>
      {PLAYER.slice(7).map(key)}
      <span className={classes.space} />
      {SPAN.map(key)}
    </div>
  );
}
