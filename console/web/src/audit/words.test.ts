import { describe, expect, it } from "vitest";
import { outcomeOf, readRecord } from "./record";
import { COMMANDS, CONSOLE } from "./sentences";
import { sentence } from "./words";

const both = (record: object) => {
  const read = readRecord(JSON.stringify(record));
  return [sentence(read, "en"), sentence(read, "zh")];
};

const of = (record: object) => outcomeOf(readRecord(JSON.stringify(record)));

describe("what a record says", () => {
  it("tells commands with their arguments and the person's reason", () => {
    expect(both({ kind: "command", what: "cut", channel: "main", reason: "a stranger" })).toEqual([
      "Cut main, reason: a stranger",
      "切断 main，理由：a stranger",
    ]);
    expect(both({ kind: "command", what: "dump", channel: "main", args: { seconds: 4.5 } })).toEqual([
      "Dump the newest 4.5 s of main",
      "丢弃 main 最新 4.5 秒内容",
    ]);
    expect(both({ kind: "command", what: "backup", channel: "main", args: { clip: "" } })[0]).toBe("Backup on air on main");
    expect(both({ kind: "command", what: "backup", channel: "main", args: { clip: "a.mp4" } })[0]).toBe("Backup on air on main: a.mp4");
  });

  it("tells settings old and new", () => {
    expect(both({ kind: "setting", channel: "main", name: "delay_s", old: 30, new: 45 })).toEqual(["delay: 30 s → 45 s", "延时：30 s → 45 s"]);
    expect(both({ kind: "setting", name: "restore_needs_two", old: false, new: true })[0]).toBe("restore needs two people: no → yes");
    expect(both({ kind: "setting", name: "backups", old: [], new: ["/srv/a.mp4", "/srv/b.mp4"] })[0]).toBe("backups: none → a.mp4, b.mp4");
    expect(both({ kind: "setting", name: "channel", new: { delay_s: 30 } })).toEqual(["Channel made, delay 30 s", "新建频道，延时 30 秒"]);
    expect(both({ kind: "setting", name: "channel", old: { delay_s: 30 } })[1]).toBe("移除频道");
    const one = { name: "platform", url: "rtmp://x", approved: false, approved_by: "" };
    expect(both({ kind: "setting", name: "destinations", old: [], new: [one] })[0]).toBe("destination platform entered, waits for approval");
    const approved = { ...one, approved: true, approved_by: "console:bob" };
    expect(both({ kind: "setting", name: "destinations", old: [one], new: [approved] })[0]).toBe(
      "destination platform: approved: no → yes, destination platform: approved by: none → console:bob",
    );
    expect(both({ kind: "setting", name: "destinations", old: [one], new: [] })[1]).toBe("移除目的地 platform");
  });

  it("tells in Chinese what the program itself gave as a reason, and codes", () => {
    const removal = { kind: "removal", path: "main/a.mp4", reason: "older than 60 days" };
    expect(both(removal)).toEqual(["The sweeper removes main/a.mp4, reason: older than 60 days", "清理过期录像 main/a.mp4，理由：已超过保存期 60 天"]);
    expect(both({ ...removal, kind: "copy_removal", reason: "its recording ended over 90 days ago and was removed" })[1]).toBe(
      "清理过期副本 main/a.mp4，理由：录像结束已超过 90 天，原件已清理",
    );
    const decided = { kind: "decision", what: "review.decide", args: { id: 7, decision: "approve", stage: 2, state: "published" } };
    expect(both(decided)).toEqual(["Review card 7: approve, stage 2, now published", "审核卡片 7：通过，第 2 审，现为 已发布"]);
    expect(both({ kind: "decision", what: "link.use", args: { kind: "of a later version" } })[1]).toBe("使用一次性链接（of a later version）");
  });

  it("tells what the console records", () => {
    expect(both({ kind: "decision", what: "person.invite", args: { username: "bob", roles: ["operator@main", "reviewer"] } })).toEqual([
      "Invite bob as operator@main, reviewer",
      "邀请 bob，角色 操作员（main）、初审员",
    ]);
    expect(
      both({ kind: "decision", what: "person.change", args: { username: "bob" }, changes: [{ name: "disabled", old: false, new: true }] })[0],
    ).toBe("Change bob: disabled: no → yes");
    expect(both({ kind: "decision", what: "database.upgrade", changes: [{ name: "schema", old: "3", new: "4" }] })[0]).toBe(
      "Upgrade the database: schema: 3 → 4",
    );
    expect(both({ kind: "sign_in", answer: "ok", factors: ["password", "totp"] })).toEqual(["Signed in (password, second factor)", "登录（密码、第二因素）"]);
    expect(both({ kind: "sign_in", answer: "bad_password", error: "no", factors: ["password"] })[1]).toBe("登录被拒绝（密码）");
    expect(both({ kind: "refusal", what: "restore", channel: "main", right: "channel:restore" })).toEqual([
      "Restore main: refused, needs the right to restore (channel:restore)",
      "恢复 main：被拒绝，需要权限 恢复播出（channel:restore）",
    ]);
    expect(both({ kind: "refusal", what: "restore", channel: "main", right: "of:later" })[1]).toContain("需要权限 of:later");
    expect(both({ kind: "session_end", why: "idle" })[1]).toBe("会话结束：长时间未操作");
  });

  it("tells what the ledger says of itself", () => {
    expect(both({ kind: "seal", heads: [{}, {}] })[0]).toBe("Seal over 2 files of other processes");
    expect(both({ kind: "close", why: "midnight" })[1]).toBe("当日文件结束");
    expect(both({ kind: "certificate", broadcast: "main-1", packets: 9, min_s: 30.1 })[0]).toMatch(
      /^Delay certificate of main-1: 9 live packets, 0 below the floor, held 30.1 s at least/,
    );
    expect(both({ kind: "publication", card: 7, stages: 2 })[1]).toMatch(/^卡片 7 已发布，经 2 级审核/);
    expect(both({ kind: "damaged", file: "d/gate.jsonl", line: 3, why: "changed" })[0]).toBe("DAMAGED: d/gate.jsonl, line 3: changed");
  });

  it("tells unknown kinds, commands and members by their own names", () => {
    expect(both({ kind: "moon_phase", who: "gate", phase: "full", n: 3, hash: "x" })[0]).toBe("moon_phase: phase full");
    expect(both({ kind: "command", what: "explode", args: { yield: 3 } })[0]).toBe("explode: yield 3");
    expect(both({ kind: "decision", what: "GET /x" })[0]).toBe("GET /x");
    expect(both({ kind: "notice", text: "CUT", text_zh: "切断" })).toEqual(["CUT", "切断"]);
    const gone = { kind: "removal", channel: "main", path: "main/a.mp4", reason: "older than 60 days" };
    expect(both(gone)[0]).toBe("The sweeper removes main/a.mp4, reason: older than 60 days");
    expect(sentence(readRecord("no json"), "en")).toBe("");
    expect(both({ kind: "command", what: 5, args: [1], channel: null, changes: "x" })[0]).toBe("5");
  });

  it("has both languages for everything", () => {
    for (const one of Object.values({ ...COMMANDS, ...CONSOLE })) {
      expect(one.en).not.toBe("");
      expect(String(one.zh)).toMatch(/[\u4e00-\u9fff]/);
    }
  });
});

describe("outcomes", () => {
  it("are done, refused, waiting or nothing", () => {
    expect(of({ kind: "command", answer: "live" })).toBe("done");
    expect(of({ kind: "command", answer: "second_person" })).toBe("waiting");
    expect(of({ kind: "command", error: "no cut" })).toBe("refused");
    expect(of({ kind: "decision", answer: "stored", error: "not in force yet" })).toBe("done");
    expect(of({ kind: "refusal" })).toBe("refused");
    expect(of({ kind: "seal" })).toBe("");
  });
});
