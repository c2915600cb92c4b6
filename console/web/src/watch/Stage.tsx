import { type RefObject, useEffect, useRef } from "react";
import { Bullets } from "../feed/bullets";
import type { FeedStore } from "../feed/store";
import { Controls } from "./Controls";
import { useIdle } from "./hooks";
import type { Choices } from "./kept";
import type { Program, ProgramView } from "./program";
import styles from "./Stage.module.css";
import { useWords } from "./words";

interface Props {
  video: RefObject<HTMLVideoElement | null>;
  program: RefObject<Program | null>;
  view: ProgramView;
  feed: FeedStore;
  /** Bullet comments cross the picture. */
  bullets: boolean;
  mine: ReadonlySet<number | null>;
  choices: Choices;
  choose: (change: Partial<Choices>) => void;
}

/** The picture, what crosses it, and its controls. While there is none it says why. */
export function Stage({ video, program, view, feed, bullets, mine, choices, choose }: Props) {
  const words = useWords();
  const frame = useRef<HTMLElement>(null);
  const idle = useIdle(frame);
  const own = useRef(mine);
  useEffect(() => {
    own.current = mine;
  }, [mine]);
  const quiet = idle && view.air === "on" && !view.paused && !view.silenced;
  return (
    <section ref={frame} className={styles.stage} data-air={view.air} data-quiet={quiet} aria-label={words.picture} data-testid="stage">
      {/* oxlint-disable-next-line jsx-a11y/media-has-caption -- captions are burnt into the program where there are any */}
      <video ref={video} className={styles.video} playsInline />
      {bullets && <BulletLayer feed={feed} mine={own} />}
      {words.air[view.air] !== "" && (
        <output className={styles.slate} data-over={view.air === "stalled"}>
          <span className={styles.what}>{words.air[view.air]}</span>
          {words.airHint[view.air] !== "" && <span className={styles.hint}>{words.airHint[view.air]}</span>}
        </output>
      )}
      <Controls frame={frame} video={video} program={program} view={view} choices={choices} choose={choose} />
    </section>
  );
}

const LOOK = { seconds: 9, rows: 6 };

function BulletLayer({ feed, mine }: { feed: FeedStore; mine: RefObject<ReadonlySet<number | null>> }) {
  const stage = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (stage.current === null) return undefined;
    const bullets = new Bullets(stage.current, LOOK);
    const leave = feed.follow({
      fresh: (comments) => {
        for (const { id, text, bullet } of comments) if (bullet) bullets.push(id, text, mine.current.has(id));
      },
      gone: (ids) => {
        for (const id of ids) bullets.remove(id);
      },
    });
    return () => {
      leave();
      bullets.close();
    };
  }, [feed, mine]);
  return <div ref={stage} className={styles.bullets} aria-hidden data-testid="bullets" />;
}
