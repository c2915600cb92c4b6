import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { FeedStore } from "../feed/store";
import type { Interaction } from "../feed/wire";
import { Comments } from "./Comments";
import { Header } from "./Header";
import { useMe, useProgram } from "./hooks";
import { useChoices } from "./kept";
import { Stage } from "./Stage";
import styles from "./Watch.module.css";
import { LanguageContext, WORDS } from "./words";
import { WriteBox } from "./WriteBox";

const CLOSED: Interaction = { comments: false, bullets: false, sharing: false };
const HTML_LANGUAGE = { en: "en", zh: "zh-CN" };

/** The viewers' page of a channel: the program, and what people say about it. */
export function Watch({ channel, feed }: { channel: string; feed: FeedStore }) {
  const [choices, choose] = useChoices();
  const video = useRef<HTMLVideoElement>(null);
  const [view, program] = useProgram(video, channel);
  const state = useSyncExternalStore(feed.watch, feed.read);
  const me = useMe(channel, state.interaction);
  const open = state.interaction ?? me.viewer?.interaction ?? CLOSED;
  const told = state.interaction !== null || me.viewer !== null;
  const mine = useMemo(() => new Set(me.own.map((one) => one.id)), [me.own]);
  const seenAt = (): number | null => program.current?.seenAt() ?? null;
  const words = WORDS[choices.language];

  useEffect(() => {
    document.documentElement.lang = HTML_LANGUAGE[choices.language];
    document.title = words.title(channel);
  }, [choices.language, words, channel]);

  return (
    <LanguageContext value={choices.language}>
      <div className={styles.page} data-comments={choices.comments ? "on" : "off"} data-testid="watch">
        <Header channel={channel} onAir={view.air === "on"} open={open} choices={choices} choose={choose} />
        <main className={styles.main}>
          <Stage
            video={video}
            program={program}
            view={view}
            feed={feed}
            bullets={choices.bullets && open.bullets}
            mine={mine}
            choices={choices}
            choose={choose}
          />
          {choices.comments && (
            <section className={styles.aside} aria-label={words.comments}>
              <Comments state={state} own={me.own} mine={mine} />
              {told && (open.comments || open.bullets ? <WriteBox channel={channel} me={me} open={open} seenAt={seenAt} /> : <p className={styles.closed}>{words.closed}</p>)}
            </section>
          )}
        </main>
      </div>
    </LanguageContext>
  );
}
