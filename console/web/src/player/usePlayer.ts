import { type RefObject, useEffect, useState } from "react";
import type { Feed } from "../api/types";
import { desk } from "./audio";
import { MsePlayer, type PlayerReport } from "./mse";

const FIRST: PlayerReport = { state: "connecting", lag: null, target: 0 };

/**
 * Plays a channel's feed in a video element. `silent`: no part of the sound desk, for pictures that are only looked at.
 * `stills`: a picture at each keyframe, for many channels at a time.
 */
export function usePlayer(
  video: RefObject<HTMLVideoElement | null>,
  name: string,
  feed: Feed,
  silent = false,
  stills = false,
): PlayerReport {
  const [report, setReport] = useState(FIRST);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    const removeSound = silent ? undefined : desk.add(feed, element);
    const show = (latest: PlayerReport) => setReport((before) => (sameToTheEye(before, latest) ? before : latest));
    const player = new MsePlayer(element, name, feed, show, stills);
    return () => {
      player.close();
      removeSound?.();
    };
  }, [video, name, feed, silent, stills]);
  return report;
}

/** The lag is read once in a while, not followed: it is renewed when it has moved by more than a twentieth of a second. */
function sameToTheEye(a: PlayerReport, b: PlayerReport): boolean {
  if (a.state !== b.state || a.target !== b.target || (a.lag === null) !== (b.lag === null)) return false;
  return Math.abs((a.lag ?? 0) - (b.lag ?? 0)) < 0.05;
}
