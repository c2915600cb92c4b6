import { Kbd } from "@mantine/core";
import { type FormEvent, type RefObject, useState } from "react";
import { InBar } from "../frame/Frame";
import { useText } from "../i18n";
import { ChannelChips } from "../ui/Channels";
import classes from "./Archive.module.css";
import { readTime } from "./days";
import { KEY_OF } from "./keys";
import type { Room } from "./useRoom";

interface Props {
  room: Room;
  channels: string[];
  onShow: (channel: string) => void;
  field: RefObject<HTMLInputElement | null>;
}

/** The screen's part of the bar: channels, and one field for times, persons, actions and words. */
export function Bar({ room, channels, onShow, field }: Props) {
  const words = useText().recordings;
  const { channel, day, typed } = room;
  const [draft, setDraft] = useState(typed);
  const [shown, show] = useState(typed);
  if (shown !== typed) {
    show(typed);
    setDraft(typed);
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const at = readTime(draft, day);
    if (at === null) return room.search(draft.trim());
    setDraft("");
    room.goTo(at);
    field.current?.blur();
    return undefined;
  };
  return (
    <InBar>
      <ChannelChips label={words.channels} channel={channel} channels={channels} onShow={onShow} />
      <search className={classes.search}>
        <form onSubmit={submit}>
          <input
            ref={field}
            type="search"
            className={classes.field}
            value={draft}
            maxLength={200}
            autoComplete="off"
            spellCheck={false}
            aria-label={words.acts.search}
            title={words.search.hint}
            placeholder={words.search.placeholder}
            onChange={(event) => setDraft(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Escape") return;
              setDraft("");
              room.search("");
              event.currentTarget.blur();
            }}
          />
          <Kbd size="xs">{KEY_OF.search}</Kbd>
        </form>
      </search>
    </InBar>
  );
}
