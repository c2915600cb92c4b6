import { useState } from "react";
import { UnstyledButton } from "@mantine/core";
import { useText } from "../i18n";
import classes from "./Aside.module.css";
import { Certificate } from "./Certificate";
import { CommentRows, EventRows } from "./Rows";
import { Exports } from "./Exports";
import { Found } from "./Found";
import { Keeping } from "./Keeping";
import type { useComments } from "./questions";
import type { Room } from "./useRoom";

const TABS = ["events", "comments", "keeping", "exports"] as const;

interface Props {
  room: Room;
  comments: ReturnType<typeof useComments>;
  mayComments: boolean;
}

/** What happened and what was written, running along; holds and exports; what was found. */
export function Aside({ room, comments, mayComments }: Props) {
  const words = useText().recordings;
  const [tab, show] = useState<(typeof TABS)[number]>("events");
  const found = room.typed !== "";
  return (
    <aside className={classes.aside} aria-label={words.tabs.label}>
      <div className={classes.tabs}>
        {found && (
          <UnstyledButton className={classes.tab} aria-pressed onClick={() => room.search("")}>
            {words.tabs.search} ✕
          </UnstyledButton>
        )}
        {TABS.map((name) => (
          <UnstyledButton
            key={name}
            className={classes.tab}
            aria-pressed={!found && tab === name}
            onClick={() => {
              show(name);
              if (found) room.search("");
            }}
          >
            {words.tabs[name]}
          </UnstyledButton>
        ))}
      </div>
      {found ? (
        <Found key={room.typed} room={room} mayComments={mayComments} />
      ) : tab === "events" ? (
        <EventRows room={room} />
      ) : tab === "comments" ? (
        <CommentRows room={room} asked={comments} may={mayComments} />
      ) : tab === "keeping" ? (
        <Keeping room={room} />
      ) : (
        <Exports room={room} />
      )}
      {!found && tab === "events" && <Certificate room={room} />}
    </aside>
  );
}
