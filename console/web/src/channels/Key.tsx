import { Button } from "@mantine/core";
import type { StreamKey } from "../api/types";
import { useText } from "../i18n";
import { CopyLine } from "../ui/Once";
import once from "../ui/Once.module.css";
import { NotInForce } from "../ui/Page";
import page from "../ui/Page.module.css";
import classes from "./Channels.module.css";

/** A key that was just made, to be copied now. */
export function Key({ label, made, onClose }: { label: string; made: StreamKey; onClose: () => void }) {
  const text = useText();
  return (
    <div className={once.once} data-testid="key">
      <div>
        <output className={page.warn}>
          {text.channels.keyOnce}
        </output>
        <CopyLine label={label} value={made.stream_key} />
        <p className={page.dim}>{text.channels.qrHint}</p>
        <NotInForce problem={made.not_in_force} />
        <Button size="xs" variant="default" onClick={onClose}>
          {text.channels.keyClose}
        </Button>
      </div>
      <img className={classes.qr} src={made.qr} alt={text.channels.qr} />
    </div>
  );
}
