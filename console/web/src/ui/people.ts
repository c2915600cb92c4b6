/** Who did something and when, as people read it. */
import type { Strings } from "../i18n";
import { person } from "./format";

/** "console:alice" is alice; "cli:root" is root, on the machine; "token:deck" is a program. */
export function byWhom(actor: string, text: Strings): string {
  if (actor.startsWith("incident:")) return text.shared.incident(person(actor));
  if (actor.startsWith("token:")) return text.audit.token(person(actor));
  return actor.startsWith("cli:") ? text.shared.onMachine(person(actor)) : person(actor);
}

/** Date and time of seconds since the epoch, in the language in force; "" for none. `medium`: with seconds. */
export function when(seconds: number | null, language: string, timeStyle: "short" | "medium" = "short"): string {
  if (seconds === null) return "";
  const format = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
    dateStyle: "medium",
    timeStyle,
  });
  return format.format(seconds * 1_000);
}

/** Day and time in as few characters as they take: what stands where there is little room. */
export function shortTime(seconds: number, language: string): string {
  const format = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
  return format.format(seconds * 1_000);
}

/** Bytes as people read them: 1.4 GB, 12 MB, 340 kB. */
export function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}
