/** The websocket to the console: keeps it open, feeds the store, sends commands. */
import type { Active, Command, CommandRequest, ServerMessage } from "./types";
import { isWanted } from "../duty/duty";
import { queries } from "./http";
import { whyRefused } from "./press";
import { SILENCE_MS } from "./reducer";
import { dispatch, useConsole } from "./store";

const NO_SESSION = 4401;
/** The console closes with one of these words when the person has to see to the own account first. */
const LIMITED = new Set(["password_expired", "totp_setup"]);
const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 2_000;
const TICK_MS = 100;
const CONNECT_MS = 2_500;
const ACTIVE_MS = 20_000;
const WANTED_MS = 500; // nobody is there: the next sign of life is sent at once

/** What a command needs beside its channel. */
type Options = Omit<Partial<CommandRequest>, "t" | "id" | "cmd" | "channel">;

const ACTIVITY = ["pointerdown", "pointermove", "keydown"] as const;

export function socketAddress(path: string): string {
  const scheme = window.location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${window.location.host}${path}`;
}

class ConsoleClient {
  #socket: WebSocket | null = null;
  #openedAt = 0;
  #retryMs = 0;
  #retryTimer: number | undefined;
  #ticker: number | undefined;
  #nextId = 1;
  #activeAt = -ACTIVE_MS;
  #renewing = 0;

  start(): void {
    if (this.#ticker !== undefined) return;
    this.#ticker = window.setInterval(() => this.#tick(), TICK_MS);
    this.#connect();
    for (const kind of ACTIVITY) window.addEventListener(kind, this.#used, { passive: true });
  }

  stop(): void {
    window.clearInterval(this.#ticker);
    window.clearTimeout(this.#retryTimer);
    this.#ticker = undefined;
    for (const kind of ACTIVITY) window.removeEventListener(kind, this.#used);
    this.#drop();
  }

  /** Somebody is at the page: the console must not count the session as idle. */
  #used = (): void => {
    const now = performance.now();
    const pauseMs = useConsole.getState().channels.some(isWanted) ? WANTED_MS : ACTIVE_MS;
    if (now - this.#activeAt < pauseMs || this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#activeAt = now;
    const message: Active = { t: "active" };
    this.#socket.send(JSON.stringify(message));
  };

  /** Sends a command, or says at once why it cannot be sent. */
  send(channel: string, cmd: Command, options: Options = {}): void {
    const now = performance.now();
    const open = this.#socket?.readyState === WebSocket.OPEN;
    const reason = open ? whyRefused(useConsole.getState(), channel, cmd) : "link_lost";
    if (reason !== null) {
      dispatch({ type: "refused", channel, cmd, reason, now });
      return;
    }
    const request: CommandRequest = { t: "cmd", id: this.#nextId++, cmd, channel, ...options };
    dispatch({ type: "sent", id: request.id, channel, cmd, now });
    this.#socket?.send(JSON.stringify(request));
  }

  #connect(): void {
    window.clearTimeout(this.#retryTimer);
    const socket = new WebSocket(socketAddress("/api/v1/ws"));
    this.#socket = socket;
    this.#openedAt = performance.now();
    socket.addEventListener("message", (event: MessageEvent<string>) => {
      if (socket !== this.#socket) return;
      this.#retryMs = 0;
      const message = JSON.parse(event.data) as ServerMessage;
      dispatch({ type: "message", message, now: performance.now() });
      // What this person may do has changed, perhaps: screens ask for the session anew.
      if (message.t === "session") void queries.invalidateQueries({ queryKey: ["session"] });
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.#socket) this.#lost(event.code === NO_SESSION || LIMITED.has(event.reason));
    });
  }

  #lost(sessionNeeded: boolean): void {
    this.#drop();
    if (sessionNeeded && this.#renewing > 0) return; // the new session connects
    dispatch({ type: "closed", now: performance.now(), sessionNeeded });
    if (sessionNeeded) return; // signing in starts it again
    this.#retryTimer = window.setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(RETRY_MOST_MS, this.#retryMs === 0 ? RETRY_FIRST_MS : this.#retryMs * 2);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #tick(): void {
    const now = performance.now();
    dispatch({ type: "tick", now });
    if (this.#socket === null) return;
    const heard = Math.max(useConsole.getState().lastMessageAt, this.#openedAt);
    const patience = this.#socket.readyState === WebSocket.CONNECTING ? CONNECT_MS : SILENCE_MS;
    if (now - heard >= patience) this.#lost(false);
  }

  /** Somebody signed in: connect as that person. */
  signedIn(): void {
    dispatch({ type: "signed_in", now: performance.now() });
    this.#retryMs = 0;
    this.#drop();
    this.#connect();
  }

  /** Makes a change that gives this browser a new session: that the old one ends meanwhile is no news. */
  async renew<T>(change: () => Promise<T>): Promise<T> {
    const connected = this.#socket !== null;
    this.#renewing += 1;
    try {
      return await change();
    } finally {
      this.#renewing -= 1;
      if (connected && this.#socket === null) this.signedIn();
    }
  }

  /** Nobody is signed in: hang up, and try no more until somebody is. */
  signedOut(): void {
    window.clearTimeout(this.#retryTimer);
    this.#lost(true);
  }
}

export const client = new ConsoleClient();
