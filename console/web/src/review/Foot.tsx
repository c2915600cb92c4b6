import { useText } from "../i18n";
import classes from "./Foot.module.css";
import { KeysBar } from "./KeysBar";
import { MenuBar } from "./MenuBar";
import { NoticeLine } from "./NoticeLine";
import { TermForm } from "./TermForm";
import type { Hands } from "./useHands";

/** The keys, or what a key has asked; above them what became of the last one. */
export function Foot({ channel, hands }: { channel: string; hands: Hands }) {
  const words = useText().review;
  const { panel } = hands;
  return (
    <footer className={classes.foot} aria-label={words.keys}>
      <NoticeLine />
      {panel === null ? (
        <KeysBar hands={hands} />
      ) : panel.kind === "term" ? (
        <TermForm channel={channel} first={panel.term} category={panel.category} onClose={hands.close} />
      ) : (
        <MenuBar key={panel.kind} panel={panel} hands={hands} ownWords={hands.ownWords} />
      )}
    </footer>
  );
}
