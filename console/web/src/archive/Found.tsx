import { Button, Loader } from "@mantine/core";
import { useMay } from "../api/channels";
import { useText } from "../i18n";
import { ProblemLine } from "../ui/Page";
import { readSearch } from "./airing";
import classes from "./Aside.module.css";
import { IncidentRow } from "./DayIncidents";
import { useFoundComments, useFoundEvents, useFoundIncidents } from "./questions";
import { CommentRow, EventRow, seenAt } from "./Rows";
import type { Room } from "./useRoom";

const BEFORE_S = 5;

/** What a search found on all days, the newest first. */
export function Found({ room, mayComments }: { room: Room; mayComments: boolean }) {
  const words = useText().recordings.search;
  const search = readSearch(room.typed);
  const withComments = mayComments && search.text !== "" && search.person === "" && search.action === "";
  const events = useFoundEvents(room.channel, search);
  const comments = useFoundComments(room.channel, search.text, withComments);
  const mayIncidents = useMay("incident:read", room.channel);
  const asked = [search.text, search.person, search.action].filter((part) => part !== "").join(" ");
  const incidents = useFoundIncidents(room.channel, asked, mayIncidents && asked !== "").data?.incidents ?? [];
  const found = events.data?.pages.flatMap((page) => page.events) ?? [];
  const written = comments.data?.pages.flatMap((page) => page.comments.toReversed()) ?? [];
  return (
    <div className={classes.scroller} data-testid="found" aria-busy={events.isFetching}>
      {incidents.length > 0 && (
        <>
          <h2>{words.incidents}</h2>
          {incidents.map((one) => (
            <IncidentRow key={one.id} one={one} room={room} dated />
          ))}
        </>
      )}
      <h2>{words.events}</h2>
      {found.map((one) => (
        <EventRow key={`${one.at}${one.record}`} one={one} dated onPick={() => room.goTo(one.at - BEFORE_S)} />
      ))}
      <More asked={events} nothing={found.length === 0} />
      {withComments && (
        <>
          <h2>{words.comments}</h2>
          {written.map((one) => (
            <CommentRow key={one.id} one={one} dated onPick={() => room.goTo(seenAt(room, one.at))} />
          ))}
          <More asked={comments} nothing={written.length === 0} />
        </>
      )}
    </div>
  );
}

interface Asked {
  isFetching: boolean;
  hasNextPage: boolean;
  error: unknown;
  fetchNextPage: () => unknown;
}

function More({ asked, nothing }: { asked: Asked; nothing: boolean }) {
  const words = useText().recordings.search;
  if (asked.isFetching) return <Loader size="xs" color="gray" />;
  return (
    <>
      <ProblemLine error={asked.error} />
      {nothing && asked.error === null && <p className={classes.hint}>{words.nothing}</p>}
      {asked.hasNextPage && (
        <Button size="compact-xs" variant="default" onClick={() => void asked.fetchNextPage()}>
          {words.more}
        </Button>
      )}
    </>
  );
}
