/** A person's own keys: what each does, added by pressing it; what stands in the way is named. */
import { Button, Kbd, UnstyledButton } from "@mantine/core";
import { useEffect, useEffectEvent, useState } from "react";
import { type Strings, useText } from "../i18n";
import { ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { watchGamepads } from "./gamepad";
import { type Act, ACTS, assign, type Conflict, CUT_KEY, DEFAULT_KEYS, isCommand, isConflict, keyName, type Keymap, keysOf, remove } from "./keymap";
import classes from "./KeysPart.module.css";
import { useKeymap, useSetKeymap } from "./useKeys";

interface Refused {
  key: string;
  conflict: Conflict;
}

export function KeysPart() {
  const text = useText();
  const keymap = useKeymap();
  const storing = useSetKeymap();
  const [learning, learn] = useState<Act | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const take = useEffectEvent((event: KeyboardEvent) => {
    if (learning === null || event.ctrlKey || event.metaKey || event.altKey || event.key === "Shift") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat) return;
    learn(null);
    if (event.key === "Escape") return;
    const key = keyName(event);
    const next = assign(keymap, learning, key);
    if (isConflict(next)) setRefused({ key, conflict: next });
    else storing.mutate(next);
  });
  useEffect(() => {
    if (learning === null) return undefined;
    const key = (event: KeyboardEvent) => take(event);
    window.addEventListener("keydown", key, { capture: true });
    const end = watchGamepads();
    return () => {
      window.removeEventListener("keydown", key, { capture: true });
      end();
    };
  }, [learning]);
  const begin = (act: Act) => {
    setRefused(null);
    learn(act);
  };
  return (
    <section className={page.card} aria-label={text.keymap.title} data-testid="own-keys">
      <h2>{text.keymap.title}</h2>
      <p className={page.hint}>{text.keymap.hint}</p>
      <ul className={classes.list}>
        {ACTS.map((act) => (
          <Row
            key={act}
            act={act}
            keymap={keymap}
            learning={learning === act}
            busy={storing.isPending}
            onLearn={() => begin(act)}
            onRemove={(key) => storing.mutate(remove(keymap, act, key))}
          />
        ))}
      </ul>
      {refused !== null && (
        <p className={page.bad} role="alert" data-testid="key-conflict">
          {conflictWords(refused, text)}
        </p>
      )}
      <ProblemLine error={storing.error} />
      <Button size="xs" variant="default" loading={storing.isPending} onClick={() => storing.mutate(DEFAULT_KEYS)}>
        {text.keymap.reset}
      </Button>
    </section>
  );
}

interface RowProps {
  act: Act;
  keymap: Keymap;
  learning: boolean;
  busy: boolean;
  onLearn: () => void;
  onRemove: (key: string) => void;
}

function Row({ act, keymap, learning, busy, onLearn, onRemove }: RowProps) {
  const text = useText();
  const words = actWords(act, text);
  const keys = keysOf(keymap, act);
  return (
    <li className={classes.row} data-act={act}>
      <span>{words}</span>
      <span className={classes.keys}>
        {keys.length === 0 && <em>{text.keymap.none}</em>}
        {keys.map((key) => (
          <span key={key} className={classes.key}>
            <Kbd>{key}</Kbd>
            {key === CUT_KEY ? (
              <em>{text.keymap.fixed}</em>
            ) : (
              <UnstyledButton className={classes.off} disabled={busy} aria-label={text.keymap.remove(key, words)} onClick={() => onRemove(key)}>
                ×
              </UnstyledButton>
            )}
          </span>
        ))}
      </span>
      <Button size="compact-xs" variant="default" disabled={busy} aria-label={text.keymap.addTo(words)} onClick={onLearn}>
        {learning ? "…" : text.keymap.add}
      </Button>
      {learning && <output className={classes.press}>{text.keymap.press}</output>}
    </li>
  );
}

function actWords(act: Act, text: Strings): string {
  return isCommand(act) ? text.commands[act] : text.keymap.acts[act as "note" | "sound"];
}

function conflictWords({ key, conflict }: Refused, text: Strings): string {
  if (conflict.why === "taken") return text.keymap.conflicts.taken(key, actWords(conflict.by, text));
  return text.keymap.conflicts[conflict.why](key);
}
