import { useState } from "react";
import type { OneTimeLink as LinkMade } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { CopyLine, Once } from "../ui/Once";
import { when } from "../ui/people";

/** The link with which somebody chooses a password: whole, as it is opened, and how long it holds. */
export function OneTimeLink({ made, onClose }: { made: LinkMade; onClose: () => void }) {
  const words = useText().people;
  const language = useLanguage();
  const [hours] = useState(() => Math.round((made.expires_at - Date.now() / 1_000) / 3_600));
  return (
    <Once
      title={words.linkOnce(made.user, when(made.expires_at, language), hours)}
      close={words.linkClose}
      onClose={onClose}
      testid="link"
    >
      <CopyLine label={words.link} value={`${window.location.origin}${made.path}`} />
    </Once>
  );
}
