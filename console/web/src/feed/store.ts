/** The feed of one channel, kept up to date: its state for what shows it, its moments for what crosses the picture. */
import { FeedClient } from "./client";
import { EMPTY, type FeedState, take } from "./feed";
import type { Comment } from "./wire";

export interface Moments {
  fresh: (comments: readonly Comment[]) => void;
  gone: (ids: readonly number[]) => void;
}

export class FeedStore {
  readonly #client: FeedClient;
  readonly #watchers = new Set<() => void>();
  readonly #moments = new Set<Moments>();
  #state = EMPTY;

  constructor(path: string) {
    this.#client = new FeedClient(path, (events) => {
      const { state, fresh, gone } = take(this.#state, events);
      this.#state = state;
      for (const one of this.#moments) {
        if (gone.length > 0) one.gone(gone);
        if (fresh.length > 0) one.fresh(fresh);
      }
      for (const watcher of this.#watchers) watcher();
    });
  }

  readonly read = (): FeedState => this.#state;

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  follow(moments: Moments): () => void {
    this.#moments.add(moments);
    return () => this.#moments.delete(moments);
  }

  close(): void {
    this.#client.close();
  }
}
