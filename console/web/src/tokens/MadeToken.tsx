import { useChannels } from "../api/channels";
import type { Scope } from "../api/types";
import { useText } from "../i18n";
import { CopyLine, Once } from "../ui/Once";
import { curlLine, lineFor } from "./tokens";

export interface Made {
  name: string;
  token: string;
  scopes: Scope[];
  channel: string | null;
}

/** A token that was made a moment ago, and a line that tries it at this console. */
export function MadeToken({ made, onClose }: { made: Made; onClose: () => void }) {
  const words = useText().tokens;
  const first = useChannels().data?.channels[0]?.name;
  const line = curlLine(window.location.origin, made.token, made.scopes, made.channel ?? first ?? "CHANNEL");
  return (
    <div style={{ marginBottom: 12 }}>
      <Once title={words.once(made.name)} close={words.close} onClose={onClose} testid="token">
        <CopyLine label={words.secret} value={made.token} />
        <CopyLine label={words.line(words.scopes[lineFor(made.scopes)])} value={line} />
      </Once>
    </div>
  );
}
