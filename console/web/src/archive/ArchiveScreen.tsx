/** The Archive screen: what was recorded, what of it aired, what happened then; held and exported. Keyboard first. */
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState } from "react";
import { useMay } from "../api/channels";
import { useText } from "../i18n";
import { Placeholder, useOneChannel } from "../ui/Channels";
import { Answer } from "../ui/Page";
import { useFilters } from "../ui/useFilters";
import classes from "./Archive.module.css";
import { Aside } from "./Aside";
import { Bar } from "./Bar";
import { Broadcasts, Expiring } from "./Broadcasts";
import { Calendar } from "./Calendar";
import { DayIncidents } from "./DayIncidents";
import { dayOf, spanOfDay } from "./days";
import { Pictures } from "./Pictures";
import { useComments, useNewestDay } from "./questions";
import { SpanPanel } from "./SpanPanel";
import { Timeline } from "./Timeline";
import { Transport } from "./Transport";
import { useRoom } from "./useRoom";

export function ArchiveScreen() {
  const words = useText().recordings;
  const go = useNavigate();
  const { channel: name, channels } = useOneChannel("archive:read");
  const show = (wanted: string) => void go({ to: "/archive/{-$channel}", params: { channel: wanted } });
  if (name === undefined) return <Placeholder title={words.title}>{words.none}</Placeholder>;
  return <Days key={name} channel={name} channels={channels} onShow={show} />;
}

interface Props {
  channel: string;
  channels: string[];
  onShow: (channel: string) => void;
}

/** Without a day in the address: the last one with recordings. */
function Days({ channel, channels, onShow }: Props) {
  const words = useText().recordings;
  const [{ day: given }] = useFilters(["day", "t", "q"]);
  const newest = useNewestDay(channel);
  const [today] = useState(() => dayOf(Date.now() / 1_000));
  const day = spanOfDay(given) === null ? (newest.data ?? today) : given;
  if (spanOfDay(given) === null && newest.data === undefined) {
    return (
      <Placeholder title={words.title}>
        <Answer asked={newest}>{null}</Answer>
      </Placeholder>
    );
  }
  const never = newest.data === null;
  return <Day key={`${channel} ${day}`} channel={channel} channels={channels} day={day} never={never} onShow={onShow} />;
}

function Day({ channel, channels, day, never, onShow }: Props & { day: string; never: boolean }) {
  const words = useText().recordings;
  const field = useRef<HTMLInputElement>(null);
  const focusSearch = useCallback(() => field.current?.focus(), []);
  const room = useRoom(channel, day, focusSearch);
  const mayComments = useMay("review:read", channel);
  const comments = useComments(channel, room.span, mayComments);
  const times = useMemo(() => comments.data?.comments.map(({ at }) => at) ?? [], [comments.data]);
  return (
    <div className={classes.page} data-testid="archive" data-day={day}>
      <Bar room={room} channels={channels} onShow={onShow} field={field} />
      <h1 className={classes.unseen}>{words.title}</h1>
      <div className={classes.list}>
        <Calendar room={room} />
        <Broadcasts room={room} never={never} />
        <DayIncidents room={room} />
        <Expiring channel={channel} />
      </div>
      <div className={classes.middle}>
        <Pictures room={room} />
        <Transport room={room} />
        <SpanPanel room={room} />
      </div>
      <Aside room={room} comments={comments} mayComments={mayComments} />
      <Timeline room={room} comments={times} />
    </div>
  );
}
