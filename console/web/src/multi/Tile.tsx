/** One channel of a multiview: its picture, its number and name, and by its frame what airs and where the keys act. */
import { UnstyledButton } from "@mantine/core";
import { type ReactNode, useRef } from "react";
import { useConsole } from "../api/store";
import type { ChannelStatus, Feed } from "../api/types";
import { useText } from "../i18n";
import { stateColour } from "../live/colours";
import { Lamp } from "../live/Lamp";
import { wantedInput } from "../live/camera";
import { useWordsOver } from "../live/useWordsOver";
import { usePlayer } from "../player/usePlayer";
import { useNow } from "../ui/useNow";
import classes from "./Tile.module.css";

interface PictureProps {
  channel: ChannelStatus;
  feed: Feed;
  moving: boolean;
  /** Part of the sound desk. */
  heard?: boolean;
  children?: ReactNode;
}

/** The picture and, over it, what it is not. */
export function Picture({ channel, feed, moving, heard = false, children }: PictureProps) {
  const video = useRef<HTMLVideoElement>(null);
  const report = usePlayer(video, channel.name, feed, !heard, !moving);
  const words = useWordsOver(feed, channel, report);
  return (
    <span className={classes.picture} data-stale={words !== null} data-player={report.state} data-moving={moving} data-feed={feed}>
      <video ref={video} muted playsInline preload="auto" autoPlay={moving} disablePictureInPicture tabIndex={-1} />
      {words !== null && <span className={classes.words}>{words[0]}</span>}
      {children}
    </span>
  );
}

/** What a channel's state is, in a word, with the countdown when the program comes back by itself. */
export function StateWord({ channel }: { channel: ChannelStatus }) {
  const text = useText();
  const receivedAt = useConsole((state) => state.receivedAt);
  const now = useNow(500);
  const left = channel.returns_in_s === null ? null : Math.max(0, channel.returns_in_s - (now - receivedAt) / 1000);
  return (
    <span className={classes.state} data-colour={stateColour[channel.state]}>
      <Lamp colour={stateColour[channel.state]} />
      <b>{text.states[channel.state].word}</b>
      {channel.state !== "stopped" && left !== null && <em>{text.multi.returnsIn(left.toFixed(0))}</em>}
    </span>
  );
}

interface TileProps {
  channel: ChannelStatus;
  number: number;
  feed: Feed;
  moving: boolean;
  chosen: boolean;
  onChoose: (name: string) => void;
}

export function Tile({ channel, number, feed, moving, chosen, onChoose }: TileProps) {
  const text = useText();
  const every = wantedInput(channel).keyframe_interval_s;
  return (
    <UnstyledButton
      className={classes.tile}
      aria-pressed={chosen}
      aria-keyshortcuts={String(number)}
      data-tile={channel.name}
      data-tally={stateColour[channel.state]}
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => onChoose(channel.name)}
    >
      <Picture key={`${feed}/${moving}/${chosen}`} channel={channel} feed={feed} moving={moving} heard={chosen}>
        {chosen && <strong className={classes.here}>{text.multi.keysHere}</strong>}
        {!moving && (
          <small className={classes.still}>
            {every !== null && every > 0 ? text.multi.still(every.toFixed(1)) : text.multi.stillUnknown}
          </small>
        )}
      </Picture>
      <span className={classes.foot}>
        <span className={classes.number}>{number}</span>
        <span className={classes.name}>{channel.name}</span>
        <StateWord channel={channel} />
      </span>
    </UnstyledButton>
  );
}
