/** Condemned and redacted spans on the film: what does not air, for how long, who says so and why. */
import type { ChannelStatus, SpanStatus } from "../../api/types";
import { type Strings, useText } from "../../i18n";
import { person } from "../../ui/format";
import classes from "./Conveyor.module.css";
import type { Places } from "./places";
import { act, useHand } from "./stores";

const BEYOND_S = 5;

export function Spans({ channel, places, now }: { channel: ChannelStatus; places: Places; now: number }) {
  const text = useText();
  const picked = useHand((hand) => hand.picked);
  const pull = useHand((hand) => hand.pull);
  return channel.spans.map((span) => {
    const open = span.to_at === null;
    const pulled = pull?.id === span.id ? pull : null;
    const from = Math.max(pulled?.edge === "from" ? pulled.at : span.from_at, now - channel.delay_s - BEYOND_S);
    const to = pulled?.edge === "to" ? pulled.at : (span.to_at ?? now + BEYOND_S);
    const words = wordsOf(span, to - from, text);
    const mine = picked === span.id;
    return (
      <div
        key={span.id}
        className={classes.span}
        data-span={span.id}
        data-kind={span.kind}
        data-open={open}
        data-picked={mine}
        data-ready={span.ready}
        style={places.span(from, to)}
      >
        {!open && (
          <button
            type="button"
            className={classes.pick}
            title={words}
            aria-pressed={mine}
            onMouseDown={(event) => event.preventDefault()}
            onClick={(event) => {
              if (event.detail === 0) act({ type: "pick", id: mine ? null : span.id }); // by key; the pointer has its own way
            }}
          >
            {words}
          </button>
        )}
        {mine && !open && <i className={classes.handle} data-handle="to" />}
        {mine && !open && <i className={classes.handle} data-handle="from" />}
      </div>
    );
  });
}

export function wordsOf(span: SpanStatus, seconds: number, text: Strings): string {
  const kind = text.conveyor.kinds[span.kind as keyof Strings["conveyor"]["kinds"]] ?? text.belt.condemned;
  const said = [`${kind} ${text.conveyor.seconds(seconds)}`];
  if (span.actor !== "") said.push(person(span.actor));
  if (span.reason !== "") said.push(span.reason);
  if (!span.ready) said.push(text.conveyor.notReady);
  return said.join(" · ");
}
