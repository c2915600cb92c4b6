/** The sound and the notification of the duty alarm; both only where the browser allows them. */

const BEEP_S = 0.25;
const VOLUME = 0.3;
let context: AudioContext | null = null;

/** One tone: high for the alarm, low for a question. Before the first key or click a browser makes no sound. */
export function beep(hz: number): void {
  if (!window.navigator.userActivation?.hasBeenActive) return;
  context ??= new AudioContext();
  void context.resume();
  const from = context.currentTime;
  const tone = new OscillatorNode(context, { frequency: hz });
  const gain = new GainNode(context, { gain: VOLUME });
  gain.gain.setTargetAtTime(0, from + BEEP_S * 0.6, 0.03);
  tone.connect(gain).connect(context.destination);
  tone.start(from);
  tone.stop(from + BEEP_S);
}

export function canAskToNotify(): boolean {
  return "Notification" in window && window.Notification.permission === "default";
}

/**
 * Tells whoever has another window in front; one notification a channel, a new one calls again. Returns what takes it back.
 * Browsers of phones may refuse it.
 */
export function notify(channel: string, words: string): () => void {
  if (!("Notification" in window) || window.Notification.permission !== "granted") return () => undefined;
  const options: NotificationOptions & { renotify: boolean } = { body: words, tag: `duty/${channel}`, renotify: true, requireInteraction: true };
  try {
    const told = new window.Notification("streamgate", options);
    told.addEventListener("click", () => window.focus());
    return () => told.close();
  } catch {
    return () => undefined;
  }
}
