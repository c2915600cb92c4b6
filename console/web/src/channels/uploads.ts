/** The queue of files on their way: one is sent at a time, the others wait. Pure. */

export interface Upload {
  id: number;
  name: string;
  size: number;
  state: "waits" | "sending" | "checking" | "failed";
  /** 0 to 1, of what has left this machine. */
  sent: number;
  error: unknown;
}

export type UploadEvent =
  | { type: "added"; id: number; name: string; size: number }
  | { type: "begun"; id: number }
  | { type: "sent"; id: number; part: number }
  | { type: "failed"; id: number; error: unknown }
  | { type: "gone"; id: number };

export function reduceUploads(uploads: readonly Upload[], event: UploadEvent): readonly Upload[] {
  switch (event.type) {
    case "added":
      return [...uploads, { id: event.id, name: event.name, size: event.size, state: "waits", sent: 0, error: null }];
    case "begun":
      return change(uploads, event.id, { state: "sending" });
    case "sent":
      return change(uploads, event.id, { sent: event.part, state: event.part >= 1 ? "checking" : "sending" });
    case "failed":
      return change(uploads, event.id, { state: "failed", error: event.error });
    case "gone":
      return uploads.filter(({ id }) => id !== event.id);
  }
}

function change(uploads: readonly Upload[], id: number, to: Partial<Upload>): readonly Upload[] {
  return uploads.map((upload) => (upload.id === id ? { ...upload, ...to } : upload));
}

export function isBusy(uploads: readonly Upload[]): boolean {
  return uploads.some(({ state }) => state === "sending" || state === "checking");
}
