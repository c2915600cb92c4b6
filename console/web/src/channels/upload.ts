/** Sends one file as a request's body. XMLHttpRequest: fetch tells nothing of how much has been sent. */
import { ProblemError } from "../api/http";

export interface Sending {
  done: Promise<void>;
  cancel: () => void;
}

/** `onSent` is told the part that has left, 0 to 1. `done` fails with a ProblemError; a cancelled one with AbortError. */
export function sendBackup(channel: string, file: File, onSent: (part: number) => void): Sending {
  const request = new XMLHttpRequest();
  const done = new Promise<void>((resolve, reject) => {
    request.upload.addEventListener("progress", ({ loaded, total }) => onSent(total > 0 ? loaded / total : 1));
    request.addEventListener("load", () => {
      if (request.status === 200) resolve();
      else reject(new ProblemError(readProblem(request.responseText), request.status));
    });
    request.addEventListener("error", () => reject(new ProblemError(null, 0)));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    request.open("PUT", backupAddress(channel, file.name));
    request.setRequestHeader("content-type", "application/octet-stream");
    request.send(file);
  });
  return { done, cancel: () => request.abort() };
}

export function backupAddress(channel: string, name: string): string {
  return `/api/v1/channels/${encodeURIComponent(channel)}/backups/${encodeURIComponent(name.normalize("NFC"))}`;
}

function readProblem(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
