import { describe, expect, it } from "vitest";
import type { Token } from "../api/types";
import { curlLine, expiresAt, GROUPS, inOrder, isInForce, scopesOf, tokenStanding } from "./tokens";

function token(more: Partial<Token> = {}): Token {
  return {
    name: "deck",
    scopes: ["channel:cut"],
    channel: null,
    created_at: 1,
    created_by: "console:alice",
    expires_at: null,
    last_used_at: null,
    revoked_at: null,
    ...more,
  };
}

describe("scopes", () => {
  it("each stand in one group", () => {
    const all = GROUPS.flatMap(scopesOf);
    expect(new Set(all).size).toBe(all.length);
    expect(inOrder(all)).toEqual(all);
    expect(inOrder(["channel:restore", "channel:view", "channel:cut"])).toEqual(["channel:view", "channel:cut", "channel:restore"]);
  });
});

describe("the line for curl", () => {
  const origin = "https://gate.example.edu";
  it("gives the first command that the token may give", () => {
    expect(curlLine(origin, "sg_x", ["channel:view", "channel:cut", "channel:start"], "main")).toBe(
      'curl -X POST -H "Authorization: Bearer sg_x" https://gate.example.edu/api/v1/channels/main/cut',
    );
  });
  it("gives a reason where one is needed", () => {
    const line = curlLine(origin, "sg_x", ["channel:restore"], "hall");
    expect(line).toContain(`-d '{"reason": "a test"}'`);
    expect(line.endsWith("/channels/hall/restore")).toBe(true);
  });
  it("looks at the state when that is all it may", () => {
    expect(curlLine(origin, "sg_x", ["channel:view"], "main")).toBe(
      'curl -H "Authorization: Bearer sg_x" https://gate.example.edu/api/v1/state',
    );
  });
  it("looks at the comments that wait when that is all it may", () => {
    expect(curlLine(origin, "sg_x", ["review:read"], "main")).toBe(
      'curl -H "Authorization: Bearer sg_x" https://gate.example.edu/api/v1/review/main/queue',
    );
  });
});

describe("how long a token holds", () => {
  it("is counted from now, or to the end of a day", () => {
    expect(expiresAt("7", "", 1_000)).toBe(1_000 + 7 * 86_400);
    expect(expiresAt("never", "2027-01-01", 1_000)).toBeNull();
    const end = expiresAt("date", "2027-01-31", 1_000) ?? 0;
    expect(new Date(end * 1_000).getDate()).toBe(31);
    expect(new Date((end + 1) * 1_000).getDate()).toBe(1);
    expect(expiresAt("date", "", 1_000)).toBeNaN();
  });

  it("is told ahead of its end", () => {
    const now = 100 * 86_400;
    expect(tokenStanding(token(), now)).toBe("in_force");
    expect(tokenStanding(token({ expires_at: now + 15 * 86_400 }), now)).toBe("in_force");
    expect(tokenStanding(token({ expires_at: now + 13 * 86_400 }), now)).toBe("ends_soon");
    expect(tokenStanding(token({ expires_at: now }), now)).toBe("expired");
    expect(tokenStanding(token({ expires_at: now, revoked_at: 5 }), now)).toBe("revoked");
    expect(isInForce(token({ expires_at: now + 1 }), now)).toBe(true);
    expect(isInForce(token({ expires_at: now }), now)).toBe(false);
  });
});
