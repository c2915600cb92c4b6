import { memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { FeedState } from "../feed/feed";
import type { Comment } from "../feed/wire";
import styles from "./Comments.module.css";
import { apart, type Own } from "./own";
import { useWords } from "./words";

interface Props {
  state: FeedState;
  own: readonly Own[];
  mine: ReadonlySet<number | null>;
}

const AT_END_PX = 40;

/** Published comments, the newest at the end; after them the viewer's own that nobody else sees. */
export function Comments({ state, own, mine }: Props) {
  const words = useWords();
  const { comments } = state;
  const published = useMemo(() => new Set(comments.map((comment) => comment.id)), [comments]);
  const alone = apart(own, published);
  const newest = comments.at(-1)?.id ?? 0;
  const { list, follow, missed, toEnd } = useEnd(comments);
  return (
    <div className={styles.panel}>
      {state.link === "lost" && (
        <output className={styles.lost}>{words.lost}</output>
      )}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keyboard */}
      <div ref={list} className={styles.list} onScroll={follow} tabIndex={0} role="log" aria-label={words.list} data-testid="comments" data-newest={newest}>
        {comments.length === 0 && alone.length === 0 && state.link === "up" && <p className={styles.none}>{words.none}</p>}
        {comments.map((comment) => (
          <Row key={comment.id} comment={comment} me={mine.has(comment.id) ? words.me : ""} />
        ))}
        {alone.map((one) => (
          <div key={one.clientId} className={styles.own} data-state={one.state} data-testid="own">
            <Name>{words.me}</Name>
            <bdi className={styles.text}>{one.text}</bdi>
            <small className={styles.state}>{words.state[one.state]}</small>
          </div>
        ))}
      </div>
      {missed > 0 && (
        <button type="button" className={styles.toEnd} onClick={toEnd}>
          {words.older(missed)}
        </button>
      )}
    </div>
  );
}

/** Text and name stand in elements of their own, isolated: no character of theirs turns or covers what is around. */
const Row = memo(function Row({ comment, me }: { comment: Comment; me: string }) {
  return (
    <p className={styles.row} data-comment={comment.id}>
      <Name>{comment.author}</Name>
      {me !== "" && <span className={styles.me}>{me}</span>}
      <bdi className={styles.text}>{comment.text}</bdi>
    </p>
  );
});

function Name({ children }: { children: string }) {
  return <bdi className={styles.name}>{children}</bdi>;
}

/** Keeps a list at its end while the viewer is there; who has scrolled up stays, and is told how many came. */
function useEnd(comments: readonly Comment[]) {
  const list = useRef<HTMLDivElement>(null);
  const [left, setLeft] = useState<number | null>(null); // the newest comment when the viewer left the end
  const newest = comments.at(-1)?.id ?? 0;
  useLayoutEffect(() => {
    if (left === null && list.current !== null) list.current.scrollTop = list.current.scrollHeight;
  });
  const follow = (): void => {
    const element = list.current;
    if (element === null) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < AT_END_PX;
    setLeft((before) => (atEnd ? null : (before ?? newest)));
  };
  const seen = left === null ? -1 : comments.findIndex((comment) => comment.id === left);
  const missed = left === null || newest === left ? 0 : comments.length - 1 - seen;
  return { list, follow, missed, toEnd: () => setLeft(null) };
}
