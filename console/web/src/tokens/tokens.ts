/** Tokens of programs: what they may, how long they hold, and the line that uses one. Pure. */
import type { Scope, Token } from "../api/types";

export type Group = "see" | "protect" | "direct";

/** Every scope there is: one that the server gains does not compile until it stands here. */
const GROUP_OF: Record<Scope, Group> = {
  "channel:view": "see",
  "review:read": "see",
  "channel:cut": "protect",
  "channel:dump": "protect",
  "channel:backup": "protect",
  "channel:live": "protect",
  "channel:start": "direct",
  "channel:stop": "direct",
  "channel:restore": "direct",
};
export const GROUPS: readonly Group[] = ["see", "protect", "direct"];

function isScope(name: string): name is Scope {
  return name in GROUP_OF;
}

const ALL = Object.keys(GROUP_OF).filter(isScope);

export function scopesOf(group: Group): Scope[] {
  return ALL.filter((scope) => GROUP_OF[scope] === group);
}

/** In the order in which they are offered. */
export function inOrder(scopes: readonly Scope[]): Scope[] {
  return ALL.filter((scope) => scopes.includes(scope));
}

/** The part of a scope that is the command's address. */
function commandOf(scope: Scope): string {
  return scope.slice(scope.indexOf(":") + 1);
}

const LOOKS = scopesOf("see");

/** What the ready line does: the first command the token may give, or a look at the state, or at comments. */
export function lineFor(scopes: readonly Scope[]): Scope {
  const given = inOrder(scopes);
  return given.find((scope) => !LOOKS.includes(scope)) ?? given[0] ?? "channel:view";
}

const NEEDS_REASON: ReadonlySet<Scope> = new Set(["channel:restore", "channel:stop"]);

/** A line for a terminal. `origin` is this console's; `channel` one that the token is for. */
export function curlLine(origin: string, token: string, scopes: readonly Scope[], channel: string): string {
  const scope = lineFor(scopes);
  const bearer = `-H "Authorization: Bearer ${token}"`;
  if (scope === "channel:view") return `curl ${bearer} ${origin}/api/v1/state`;
  if (scope === "review:read") return `curl ${bearer} ${origin}/api/v1/review/${channel}/queue`;
  const body = NEEDS_REASON.has(scope) ? ` -H "Content-Type: application/json" -d '{"reason": "a test"}'` : "";
  return `curl -X POST ${bearer}${body} ${origin}/api/v1/channels/${channel}/${commandOf(scope)}`;
}

export const DAYS = ["7", "30", "90", "365"] as const;
export type Lasts = (typeof DAYS)[number] | "date" | "never";
const DAY_S = 86_400;

/** When a token ends, seconds since the epoch; null: when it is revoked. A date counts to its end, here. */
export function expiresAt(lasts: Lasts, date: string, nowS: number): number | null {
  if (lasts === "never") return null;
  if (lasts !== "date") return nowS + Number(lasts) * DAY_S;
  return new Date(`${date}T23:59:59`).getTime() / 1_000;
}

export type TokenStanding = "in_force" | "ends_soon" | "expired" | "revoked";
const SOON_S = 14 * DAY_S;

export function tokenStanding({ revoked_at, expires_at }: Token, nowS: number): TokenStanding {
  if (revoked_at !== null) return "revoked";
  if (expires_at === null) return "in_force";
  if (expires_at <= nowS) return "expired";
  return expires_at - nowS < SOON_S ? "ends_soon" : "in_force";
}

export function isInForce(token: Token, nowS: number): boolean {
  const standing = tokenStanding(token, nowS);
  return standing === "in_force" || standing === "ends_soon";
}
