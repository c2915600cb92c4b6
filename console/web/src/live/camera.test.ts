import { describe, expect, it } from "vitest";
import { channel } from "../api/fixtures";
import { en } from "../i18n/en";
import { awaySince, wantedInput } from "./camera";
import { wordsOver } from "./wordsOver";

const { ingest } = channel();
const away = { ...ingest, connected: false, since_s: 125 };
const AT = new Date(2026, 10, 29, 12, 5, 5).getTime();
const waiting = { state: "waiting", lag: null, target: 0 } as const;
const words = (of: Parameters<typeof channel>[0]) => wordsOver("pvw", channel(of), waiting, true, AT, en);

describe("the camera that is wanted on air", () => {
  it("is the main one until the standby is", () => {
    expect(wantedInput(channel({ ingest, standby: away }))).toBe(ingest);
    expect(wantedInput(channel({ ingest: away, standby: ingest, camera: "standby" }))).toBe(ingest);
    expect(wantedInput(channel({ camera: "standby" })).connected).toBe(false);
  });

  it("says since when its encoder is away", () => {
    expect(awaySince(away, AT, en)).toBe("since 12:03");
    expect(awaySince(ingest, AT, en)).toBe("");
    expect(awaySince({ ...away, since_s: null }, AT, en)).toBe("");
    expect(awaySince({ ...away, since_s: 90_000 }, AT, en)).toBe("for 25:00:00");
  });
});

describe("words over PVW", () => {
  it("say what is true of the standby, and do not wait for ever", () => {
    expect(words({ camera: "standby", standby: away })).toEqual(["Standby camera: encoder not connected since 12:03"]);
    expect(words({ camera: "standby", standby: { ...away, since_s: null } })).toEqual([
      "Standby camera: encoder not connected",
    ]);
    expect(words({ camera: "standby", standby: ingest })).toEqual(["Waiting for pictures"]);
  });

  it("are of the main camera while that is wanted, whatever the standby does", () => {
    expect(words({ standby: away })).toEqual(["Waiting for pictures"]);
    expect(words({ ingest: away, standby: ingest })?.[0]).toBe("No input");
  });
});
