/** The larger still under the pointer, with its time to air. It lies on the conveyor and nowhere else: nothing on air is covered. */
import type { ChannelStatus } from "../../api/types";
import { useText } from "../../i18n";
import { clock } from "../../ui/format";
import { stillAt } from "./cells";
import classes from "./Conveyor.module.css";
import { stillAddress } from "./Layers";
import { useStrip, wallNow } from "./stores";
import { airsIn, atShare } from "./track";

export function HoverCard({ channel, hover }: { channel: ChannelStatus; hover: number | null }) {
  const text = useText();
  const stills = useStrip((strip) => strip.stills);
  if (hover === null) return null;
  const window = { now: wallNow(), delayS: channel.delay_s };
  const at = atShare(window, hover);
  const still = stillAt(stills, at);
  const left = hover > 0.5; // beside the pointer, not under it
  const seconds = airsIn(window, at);
  return (
    <div className={classes.hover} data-testid="hover" style={left ? { right: `${(1 - hover) * 100}%` } : { left: `${hover * 100}%` }}>
      {still !== null && <img src={stillAddress(channel.name, still.number, true)} alt="" draggable={false} />}
      <span>
        {text.belt.toAir(Math.round(seconds))}
        <br />
        {clock((at + channel.delay_s) * 1_000)}
      </span>
    </div>
  );
}
