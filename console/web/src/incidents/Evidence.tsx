/** What an incident is about: stills of what came in, both pictures as video, the comments then. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type Hls from "hls.js/light";
import { useEffect, useRef, useState } from "react";
import { useMay } from "../api/channels";
import type { Incident, IncidentDetail } from "../api/types";
import { dayOf } from "../archive/days";
import { useText } from "../i18n";
import page from "../ui/Page.module.css";
import { clock } from "../ui/format";
import classes from "./Incidents.module.css";
import { playlist } from "./incidents";

/** So much of what led to it is shown first. */
const BEFORE_S = 5;

type Picture = "pvw" | "pgm";

export function Evidence({ detail }: { detail: IncidentDetail }) {
  const words = useText().incidents;
  const { incident, stills, comments } = detail;
  const [playing, play] = useState<Picture | null>(null);
  const mayArchive = useMay("archive:read", incident.channel);
  return (
    <section className={`${page.card} ${classes.evidence}`}>
      <div className={classes.stills}>
        {stills.map(({ seconds, recorded }, number) => (
          <Still key={seconds} incident={incident} number={number} seconds={seconds} recorded={recorded} />
        ))}
      </div>
      <div className={page.row}>
        {(["pvw", "pgm"] as const).map((picture) => (
          <Button key={picture} size="xs" variant={playing === picture ? "filled" : "default"} onClick={() => play(picture)}>
            {words[picture]}
          </Button>
        ))}
        {mayArchive && <InArchive incident={incident} />}
      </div>
      {playing !== null && <Video key={playing} incident={incident} picture={playing} />}
      <h2 style={{ marginTop: 14 }}>{words.comments}</h2>
      {comments === null && <p className={page.warn}>{words.commentsAway}</p>}
      {comments?.length === 0 && <p className={page.dim}>{words.noComments}</p>}
      {comments !== null && comments.length > 0 && (
        <ul className={classes.comments}>
          {comments.map((one) => (
            <li key={`${one.comment} ${one.kind}`}>
              {clock(one.at * 1_000)} {one.kind === "publish" ? `${one.author}: ${one.text}` : `${words.retracted} (${one.comment})`}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** Its moment on the Archive screen, with all that happened around it. */
function InArchive({ incident }: { incident: Incident }) {
  const words = useText().incidents;
  const at = incident.happened - BEFORE_S;
  return (
    <Link
      to="/archive/{-$channel}"
      params={{ channel: incident.channel }}
      search={{ day: dayOf(incident.happened), t: at.toFixed(1) }}
      className={classes.link}
    >
      {words.inArchive}
    </Link>
  );
}

interface StillProps {
  incident: Incident;
  number: number;
  seconds: number;
  recorded: boolean;
}

function Still({ incident, number, seconds, recorded }: StillProps) {
  const words = useText().incidents;
  const [failed, fail] = useState(false);
  return (
    <figure>
      {failed || !recorded ? (
        <div className={classes.missing}>{words.noPicture}</div>
      ) : (
        <img
          src={`/api/v1/incidents/${encodeURIComponent(incident.channel)}/${incident.id}/stills/${number}`}
          alt={words.stills(seconds)}
          onError={() => fail(true)}
        />
      )}
      <figcaption>{words.stills(seconds)}</figcaption>
    </figure>
  );
}

/** The program as it aired; where that cannot be had, what came in one delay before. */
function addressesOf({ channel, pvw, pgm, delay_s }: Incident, picture: Picture): string[] {
  if (picture === "pvw") return [playlist(channel, pvw.start, pvw.end, "received")];
  return [
    playlist(channel, pgm.start, pgm.end, "aired"),
    playlist(channel, pgm.start - delay_s, pgm.end - delay_s, "received"),
  ];
}

function Video({ incident, picture }: { incident: Incident; picture: Picture }) {
  const words = useText().incidents;
  const element = useRef<HTMLVideoElement>(null);
  const [place, setPlace] = useState(0);
  const addresses = addressesOf(incident, picture);
  const address = addresses[place];
  useEffect(() => {
    const video = element.current;
    if (video === null || address === undefined) return undefined;
    let player: Hls | null = null;
    let isOver = false;
    void import("hls.js/light").then(({ default: Player }) => {
      if (isOver) return null;
      player = new Player({ enableWorker: false });
      player.on(Player.Events.ERROR, (_, problem) => {
        if (problem.fatal) setPlace((before) => before + 1);
      });
      player.loadSource(address);
      player.attachMedia(video);
      return player;
    });
    return () => {
      isOver = true;
      player?.destroy();
    };
  }, [address]);
  if (address === undefined) return <p className={page.warn}>{words.noVideo}</p>;
  return (
    <>
      {/* Without captions: what was said stands in the picture or was not written down. */}
      <video ref={element} className={classes.video} controls muted autoPlay aria-label={words[picture]} />
      {picture === "pgm" && place > 0 && <p className={page.dim}>{words.pgmHeld}</p>}
    </>
  );
}
