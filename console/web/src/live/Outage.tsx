import { Code } from "@mantine/core";
import { outage } from "../api/reducer";
import { useConsole } from "../api/store";
import { useText } from "../i18n";
import { duration } from "../ui/format";
import { useNow } from "../ui/useNow";
import { NoticeLine } from "./NoticeLine";
import classes from "./Outage.module.css";

/** Says over everything that what the page shows is old and that its keys do nothing: since when, and what airs. */
export function Outage({ channel }: { channel: string }) {
  const text = useText();
  const state = useConsole();
  const now = useNow(200);
  const out = outage(state, now);
  if (out === null) return null;
  return (
    <div className={classes.scrim} role="alertdialog" aria-live="assertive" data-testid="outage" data-what={out.what}>
      <div className={classes.box}>
        <h1 className={classes.what}>
          {text.outage[out.what]}
          <time>{text.outage.since(duration(out.sinceMs / 1000))}</time>
        </h1>
        <p>{out.what === "link" ? text.outage.linkAir : text.outage.gateAir}</p>
        {out.what === "link" && (
          <p className={classes.dim}>
            {text.outage.trying} <Code fz="inherit">{state.command} cut {channel === "" ? "main" : channel}</Code>
          </p>
        )}
        <NoticeLine className={classes.notice} />
      </div>
    </div>
  );
}
