import { type Strings, useText } from "../i18n";
import { gravest, namesOf, piecesOf } from "./highlights";
import type { HitView } from "./types";
import classes from "./Words.module.css";

/** A comment with what was found in it; characters that cannot be seen are named. Always text, never markup. */
export function Words({ text, hits }: { text: string; hits: readonly HitView[] }) {
  const words = useText().review;
  return (
    <bdi className={classes.words} data-text>
      {piecesOf(text, hits).map((piece) => {
        if (piece.unseen !== "") {
          return (
            <span key={piece.at} className={classes.unseen} title={words.card.unseen(piece.unseen)}>
              {piece.unseen}
            </span>
          );
        }
        if (piece.hits.length === 0) return <span key={piece.at}>{piece.text}</span>;
        return (
          <mark key={piece.at} className={classes.hit} data-severity={gravest(piece.hits)} title={titleOf(piece.hits, words.card)}>
            {piece.text}
          </mark>
        );
      })}
    </bdi>
  );
}

function titleOf(hits: readonly HitView[], words: Strings["review"]["card"]): string {
  return hits
    .map((hit) => namesOf(hit, words))
    .map(({ term, list }) => `${term} (${list})`)
    .join(" · ");
}
