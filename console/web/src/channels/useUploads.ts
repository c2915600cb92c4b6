import { useEffect, useReducer, useRef } from "react";
import { queries } from "../api/http";
import { sendBackup, type Sending } from "./upload";
import { isBusy, reduceUploads, type Upload } from "./uploads";

let ids = 0;

/** Files on their way to a channel, one after the other; those that are sent when the screen closes go on. */
export function useUploads(channel: string) {
  const [uploads, tell] = useReducer(reduceUploads, [] as readonly Upload[]);
  const files = useRef(new Map<number, File>());
  const sending = useRef<{ id: number; sending: Sending } | null>(null);
  const next = isBusy(uploads) ? undefined : uploads.find(({ state }) => state === "waits")?.id;
  useEffect(() => {
    const file = next === undefined ? undefined : files.current.get(next);
    if (next === undefined || file === undefined || sending.current?.id === next) return;
    tell({ type: "begun", id: next });
    const sent = sendBackup(channel, file, (part) => tell({ type: "sent", id: next, part }));
    sending.current = { id: next, sending: sent };
    sent.done.then(
      () => {
        tell({ type: "gone", id: next });
        return queries.invalidateQueries({ queryKey: ["channels"] });
      },
      (error: unknown) => {
        const cancelled = error instanceof DOMException;
        tell(cancelled ? { type: "gone", id: next } : { type: "failed", id: next, error });
      },
    );
  }, [next, channel]);
  const add = (added: Iterable<File>) => {
    for (const file of added) {
      const id = ++ids;
      files.current.set(id, file);
      tell({ type: "added", id, name: file.name, size: file.size });
    }
  };
  const drop = (id: number) => {
    if (sending.current?.id === id) sending.current.sending.cancel();
    files.current.delete(id);
    tell({ type: "gone", id });
  };
  return { uploads, add, drop };
}
