import { describe, expect, it } from "vitest";
import { isBusy, reduceUploads, type Upload, type UploadEvent } from "./uploads";

const after = (...events: UploadEvent[]): readonly Upload[] => events.reduce(reduceUploads, [] as readonly Upload[]);

describe("uploads", () => {
  it("wait, are sent, are checked, and go", () => {
    const added: UploadEvent = { type: "added", id: 1, name: "a.mp4", size: 10 };
    expect(after(added)[0]).toMatchObject({ state: "waits", sent: 0 });
    expect(isBusy(after(added))).toBe(false);
    expect(after(added, { type: "begun", id: 1 }, { type: "sent", id: 1, part: 0.4 })[0]).toMatchObject({ state: "sending", sent: 0.4 });
    const checking = after(added, { type: "begun", id: 1 }, { type: "sent", id: 1, part: 1 });
    expect(checking[0]).toMatchObject({ state: "checking", sent: 1 });
    expect(isBusy(checking)).toBe(true);
    expect(after(added, { type: "gone", id: 1 })).toEqual([]);
  });

  it("that failed stay with the reason and block no other", () => {
    const failed = after(
      { type: "added", id: 1, name: "a.txt", size: 10 },
      { type: "added", id: 2, name: "b.mp4", size: 10 },
      { type: "failed", id: 1, error: "no media" },
    );
    expect(failed.map(({ state, error }) => [state, error])).toEqual([
      ["failed", "no media"],
      ["waits", null],
    ]);
    expect(isBusy(failed)).toBe(false);
  });
});
