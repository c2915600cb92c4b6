import { Kbd, UnstyledButton } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useText } from "../i18n";
import classes from "./Foot.module.css";
import { menuOf, OWN_WORDS, type Panel } from "./menu";
import type { Hands } from "./useHands";

const MOST = 500;

interface Props {
  panel: Exclude<Panel, { kind: "term" }>;
  hands: Hands;
  ownWords: Hands["ownWords"];
}

/** A question in the place of the keys: a key picks, 0 leads to the text, Enter sends it, Escape leaves. */
export function MenuBar({ panel, hands, ownWords }: Props) {
  const words = useText().review;
  const [typed, type] = useState("");
  const menu = menuOf(panel, words);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    hands.answer(typed);
  };
  return (
    <form className={classes.menu} onSubmit={submit} aria-label={menu.title} data-testid="menu">
      <output className={classes.title}>{menu.title}</output>
      <div className={classes.picks}>
        {menu.picks.map(({ key, label, again }) =>
          key === OWN_WORDS ? null : (
            <UnstyledButton
              key={key}
              className={classes.pick}
              data-suggested={again !== undefined}
              aria-keyshortcuts={again === undefined ? key : `${key} ${again}`}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => hands.pick(key)}
            >
              <Kbd size="xs">{again === undefined ? key : `${key} ${again}`}</Kbd> {label}
              {again !== undefined && <small> ({words.suggested})</small>}
            </UnstyledButton>
          ),
        )}
      </div>
      {menu.words && (
        <label className={classes.own}>
          <Kbd size="xs">{OWN_WORDS}</Kbd>
          <input
            ref={ownWords}
            value={typed}
            maxLength={MOST}
            placeholder={panel.kind === "reject" ? `${words.codes.other}, Enter` : words.ownWords}
            aria-label={panel.kind === "reject" ? words.codes.other : words.ownWords}
            onChange={(event) => type(event.currentTarget.value)}
          />
        </label>
      )}
      <UnstyledButton
        className={classes.pick}
        aria-keyshortcuts="Escape"
        onMouseDown={(event) => event.preventDefault()}
        onClick={hands.close}
      >
        <Kbd size="xs">Esc</Kbd> {words.cancel}
      </UnstyledButton>
    </form>
  );
}
