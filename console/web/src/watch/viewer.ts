/** The viewer's side of the public interface: who one is here, sending a comment, and what became of one's own. */
import { apiPath } from "../feed/address";
import { retryAfter } from "../feed/retry";
import { type Interaction, isRecord, readInteraction } from "../feed/wire";
import type { Draft } from "./draft";
import type { Own, OwnState } from "./own";

/** What the server refused, in its words. `waitS`: seconds until another try makes sense; null: no telling. */
export interface Refusal {
  code: string;
  error: string;
  errorZh: string;
  waitS: number | null;
}

export interface Viewer {
  /** The server knows this browser by its cookie. */
  known: boolean;
  nickname: string;
  /** What the others call somebody without a nickname. */
  shownAs: string;
  interaction: Interaction;
  maxChars: number;
  slowS: number;
  own: readonly Own[];
}

export type Sent = { ok: true; id: number; state: OwnState } | { ok: false; why: Refusal };

const TIMEOUT_MS = 15_000;
const MAX_CHARS = 200;
const SLOW_S = 3;

/** Returns what the server knows of this browser; null when it does not answer. */
export async function readViewer(channel: string): Promise<Viewer | null> {
  const answer = await ask(apiPath(channel, "viewer"));
  return answer.ok ? readAnswer(answer.body) : null;
}

/** Gives this browser a nickname, "" for none. */
export async function enter(channel: string, nickname: string): Promise<{ ok: true; viewer: Viewer } | { ok: false; why: Refusal }> {
  const answer = await ask(apiPath(channel, "viewer"), { nickname });
  return answer.ok ? { ok: true, viewer: readAnswer(answer.body) } : answer;
}

export async function send(channel: string, draft: Draft): Promise<Sent> {
  const { clientId, text, bullet, seenAt } = draft;
  const answer = await ask(apiPath(channel, "comments"), { client_id: clientId, text, bullet, seen_at: seenAt });
  if (!answer.ok) return answer;
  const [accepted] = listIn(answer.body, "accepted");
  if (isRecord(accepted) && typeof accepted["id"] === "number") {
    return { ok: true, id: accepted["id"], state: readState(accepted["state"]) };
  }
  const [refused] = listIn(answer.body, "refused");
  return { ok: false, why: readRefusal(refused, null) };
}

function readAnswer(body: unknown): Viewer {
  const said = isRecord(body) ? body : {};
  const { viewer, nickname, shown_as: shownAs, interaction, own } = said;
  const open = isRecord(interaction) ? interaction : {};
  return {
    known: typeof viewer === "string",
    nickname: textOr(nickname, ""),
    shownAs: textOr(shownAs, ""),
    interaction: readInteraction(open),
    maxChars: numberOr(open["max_chars"], MAX_CHARS),
    slowS: numberOr(open["slow_s"], SLOW_S),
    own: Array.isArray(own) ? own.map(readOwn).filter((one) => one !== null) : [],
  };
}

type Answer = { ok: true; body: unknown } | { ok: false; why: Refusal };

async function ask(path: string, body?: Record<string, unknown>): Promise<Answer> {
  const timeout = new AbortController();
  const timer = window.setTimeout(() => timeout.abort(), TIMEOUT_MS);
  try {
    const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const answer = await fetch(path, { ...sent, cache: "no-store", signal: timeout.signal });
    const said: unknown = await answer.json().catch(() => null);
    if (answer.ok) return { ok: true, body: said };
    return { ok: false, why: readRefusal(said, retryAfter(answer.headers.get("retry-after"))) };
  } catch {
    return { ok: false, why: { code: "unreachable", error: "", errorZh: "", waitS: null } };
  } finally {
    window.clearTimeout(timer);
  }
}

function readRefusal(said: unknown, waitS: number | null): Refusal {
  const words = isRecord(said) ? said : {};
  return { code: textOr(words["code"], "failed"), error: textOr(words["error"], ""), errorZh: textOr(words["error_zh"], ""), waitS };
}

function readOwn(said: unknown): Own | null {
  if (!isRecord(said) || typeof said["id"] !== "number" || typeof said["text"] !== "string") return null;
  const clientId = textOr(said["client_id"], `${said["id"]}`);
  return { clientId, id: said["id"], text: said["text"], state: readState(said["state"]) };
}

const ENDED: ReadonlySet<string> = new Set<OwnState>(["published", "rejected", "retracted", "expired"]);

function readState(said: unknown): OwnState {
  return typeof said === "string" && ENDED.has(said) ? (said as OwnState) : "waiting";
}

function listIn(body: unknown, name: string): unknown[] {
  const found = isRecord(body) ? body[name] : null;
  return Array.isArray(found) ? found : [];
}

function textOr(said: unknown, otherwise: string): string {
  return typeof said === "string" ? said : otherwise;
}

function numberOr(said: unknown, otherwise: number): number {
  return typeof said === "number" && Number.isFinite(said) && said >= 0 ? said : otherwise;
}
