/**
 * A person's keys. They are kept with the account, so that they are the same at every desk; the browser keeps a copy
 * for when the console's database cannot be asked.
 */
import { useMutation, useQuery } from "@tanstack/react-query";
import { dataOf, http, type ProblemError, queries } from "../api/http";
import { useConsole } from "../api/store";
import { DEFAULT_KEYS, type Keymap, readKeymap } from "./keymap";

const copyOf = (user: string) => `streamgate.keys.${user}`;

function readCopy(user: string): Keymap {
  try {
    return readKeymap(JSON.parse(window.localStorage.getItem(copyOf(user)) ?? "null"));
  } catch {
    return DEFAULT_KEYS;
  }
}

function keep(user: string, keymap: Keymap): Keymap {
  window.localStorage.setItem(copyOf(user), JSON.stringify(keymap));
  return keymap;
}

const keyOf = (user: string) => ["keys", user];

export function useKeymap(): Keymap {
  const user = useConsole((state) => state.user);
  const { data } = useQuery({
    queryKey: keyOf(user),
    queryFn: async () => keep(user, readKeymap((await dataOf(http.GET("/api/v1/me/keys"))).keys)),
    enabled: user !== "",
    placeholderData: () => readCopy(user),
    retry: false,
    staleTime: Infinity,
  });
  return data ?? (user === "" ? DEFAULT_KEYS : readCopy(user));
}

/** Stores the keys. */
export function useSetKeymap() {
  const user = useConsole((state) => state.user);
  return useMutation<unknown, ProblemError, Keymap>({
    mutationFn: (keymap) =>
      dataOf(
        http.PUT("/api/v1/me/keys", {
          body: { keys: Object.fromEntries(Object.entries(keymap).map(([act, keys]) => [act, [...keys]])) },
        }),
      ),
    onSuccess: (_, keymap) => {
      queries.setQueryData(keyOf(user), keep(user, keymap));
    },
  });
}
