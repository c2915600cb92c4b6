/**
 * Buttons of gamepads (foot pedals and button boxes call themselves that) as keys: each press becomes a `keydown` of the
 * window with the key "PAD n". Buttons of all devices count alike: n is the number the device gives.
 */

const POLL_MS = 20;
/** A button that is down when a device is seen first counts when it is released within so long. */
const WAKE_MS = 1_500;

interface Pad {
  readonly index: number;
  readonly buttons: readonly { readonly pressed: boolean }[];
}

interface Seen {
  down: ReadonlySet<number>;
  /** Buttons down since the device was seen first, and when that was. */
  since: number;
  waking: ReadonlySet<number>;
}

/**
 * Finds presses. A browser shows a page its devices at the first press of a button, which is then down at first sight:
 * it counts on its release, since a button may also rest that way.
 */
export class Presses {
  private readonly seen = new Map<number, Seen>();

  /** The numbers of the buttons that were pressed since the last look. */
  look(pads: readonly (Pad | null)[], now: number): number[] {
    const present = pads.filter((pad) => pad !== null);
    for (const index of this.seen.keys()) if (!present.some((pad) => pad.index === index)) this.seen.delete(index);
    return present.flatMap((pad) => this.lookAt(pad, now));
  }

  private lookAt({ index, buttons }: Pad, now: number): number[] {
    const down = new Set([...buttons.keys()].filter((button) => buttons[button]?.pressed));
    const before = this.seen.get(index);
    if (before === undefined) {
      this.seen.set(index, { down, since: now, waking: down });
      return [];
    }
    const woken = [...before.waking].filter((button) => !down.has(button) && now - before.since <= WAKE_MS);
    const pressed = [...down].filter((button) => !before.down.has(button));
    const waking = new Set([...before.waking].filter((button) => down.has(button)));
    this.seen.set(index, { down, since: before.since, waking });
    return [...woken, ...pressed];
  }
}

/** Watches while there is a gamepad; returns what ends it. */
export function watchGamepads(): () => void {
  let timer: number | undefined;
  let presses = new Presses();
  const poll = () => {
    const pads = navigator.getGamepads();
    if (!pads.some((pad) => pad !== null)) {
      window.clearInterval(timer);
      timer = undefined;
      presses = new Presses();
      return;
    }
    for (const button of presses.look(pads, performance.now())) {
      window.dispatchEvent(new KeyboardEvent("keydown", { key: `PAD ${button}`, cancelable: true }));
    }
  };
  const begin = () => {
    timer ??= window.setInterval(poll, POLL_MS);
  };
  window.addEventListener("gamepadconnected", begin);
  begin();
  return () => {
    window.removeEventListener("gamepadconnected", begin);
    window.clearInterval(timer);
  };
}
