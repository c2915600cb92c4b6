/** What a record says, in a sentence of either language. Pure. */
import type { Language } from "../i18n";
import { rightName } from "./rights";
import { type LedgerRecord, list, members, type Plain, text } from "./record";
import { CODES, COMMANDS, CONSOLE, LEDGER, REASONS, SETTINGS, type Template, WORDS } from "./sentences";

/** The sentence; an unknown kind is told by its own names. */
export function sentence(record: LedgerRecord, language: Language): string {
  return withReason(told(record, language), record.reason, language);
}

function told(record: LedgerRecord, language: Language): string {
  switch (record.kind) {
    case "command":
    case "decision":
      return act(record, language);
    case "notice": {
      const chinese = text(record.all.text_zh);
      return language === "zh" && chinese !== "" ? chinese : text(record.all.text);
    }
    case "setting":
      return change(text(record.all.name), record.all.old, record.all.new, language);
    case "sign_in":
      return signIn(record, language);
    case "refusal":
      return WORDS[language].refused(act(record, language), rightName(text(record.all.right), language));
    case "session_end":
      return WORDS[language].sessionEnd(text(record.all.why), text(record.all.by));
    default:
      return fill(LEDGER[record.kind]?.[language], record.all, language) ?? generic(record, language);
  }
}

function act(record: LedgerRecord, language: Language): string {
  const template = COMMANDS[record.what] ?? CONSOLE[record.what];
  const given = { ...members(record.all.args), channel: record.channel };
  const said = fill(template?.[language], given, language) ?? generic(record, language);
  const changes = list(record.all.changes).map((one) => {
    const { name, old, new: now } = members(one);
    return change(text(name), old, now, language);
  });
  return changes.length === 0 ? said : `${said}${WORDS[language].colon}${changes.join(WORDS[language].and)}`;
}

function signIn(record: LedgerRecord, language: Language): string {
  const words = WORDS[language];
  const factors = list(record.all.factors).map((one) => words.factors[text(one)] ?? text(one));
  return record.error === "" ? words.signedIn(factors.join(words.and)) : words.signInFailed(factors.join(words.and));
}

/** "delay: 30 s → 45 s". */
function change(name: string, old: Plain | undefined, now: Plain | undefined, language: Language): string {
  const words = WORDS[language];
  if (name === "channel") {
    const delay = text(members(now ?? old).delay_s);
    return old === undefined ? words.channelMade(delay) : words.channelGone;
  }
  if (name === "stream_key") return words.keyRenewed;
  if (name === "destinations") {
    const said = destinations(list(old), list(now), language);
    if (said !== "") return said;
  }
  const label = SETTINGS[name]?.[language] ?? name;
  return `${label}${words.colon}${valueOf(name, old, language)} → ${valueOf(name, now, language)}`;
}

function destinations(old: Plain[], now: Plain[], language: Language): string {
  const words = WORDS[language];
  const before = named(old);
  const after = named(now);
  const said = [...after].flatMap(([name, one]) => {
    const was = before.get(name);
    if (was === undefined) return [words.destinationIn(name, one.approved === true)];
    return Object.keys(one)
      .filter((member) => JSON.stringify(one[member]) !== JSON.stringify(was[member]))
      .map((member) => `${words.destination(name)}${words.colon}${change(member, was[member], one[member], language)}`);
  });
  const gone = [...before.keys()].filter((name) => !after.has(name)).map((name) => words.destinationOut(name));
  return [...said, ...gone].join(words.and);
}

function named(all: Plain[]) {
  return new Map(all.map((one) => [text(members(one).name), members(one)]));
}

function valueOf(name: string, value: Plain | undefined, language: Language): string {
  const words = WORDS[language];
  if (value === undefined || value === null || value === "") return words.nothing;
  if (typeof value === "boolean") return value ? words.yes : words.no;
  if (name.endsWith("_s") && typeof value === "number") return `${value} s`;
  if (Array.isArray(value)) {
    const names = value.map((one) => text(members(one).name ?? one).replace(/^.*\//, ""));
    return names.length === 0 ? words.nothing : names.join(words.and);
  }
  return text(value);
}

/** The word for a code that stands in a member, where there is one: "approve" of `decision`. */
function wordOf(name: string, value: Plain | undefined, language: Language): string | undefined {
  const words = CODES[name];
  if (language === "en" || words === undefined || !isThere(value)) return undefined;
  const one = (code: Plain): string => {
    const [role = "", channel] = text(code).split("@");
    return channel === undefined ? (words[role] ?? role) : `${words[role] ?? role}（${channel}）`;
  };
  return Array.isArray(value) ? value.map(one).join(WORDS[language].and) : one(value ?? "");
}

/** Puts members in the place of their names: "{seconds}", and "[, {clip}]" only where there is such a member. */
function fill(template: Template | undefined, given: { [name: string]: Plain }, language: Language): string | undefined {
  if (template === undefined) return undefined;
  if (typeof template === "function") return template(given);
  return template
    .replace(/\[([^\]]*\{(\w+)\}[^\]]*)\]/g, (_, part: string, name: string) => (isThere(given[name]) ? part : ""))
    .replace(/\{(\w+)\}/g, (_, name: string) => wordOf(name, given[name], language) ?? valueOf("", given[name], language));
}

/** Reasons that the program gave stand in the ledger in English; what a person wrote stays as it is. */
export function reasonOf(reason: string, language: Language): string {
  if (language === "en") return reason;
  for (const [english, chinese] of REASONS) {
    const found = english.exec(reason);
    if (found !== null) return chinese(...found.slice(1));
  }
  return reason;
}

function isThere(value: Plain | undefined): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}

/** Members that have a column of their own, or a place in every record. */
const SHOWN = new Set(["at", "boot", "mono_us", "n", "prev", "hash", "kind", "who", "role", "from", "channel", "what"]);
const TOLD = new Set([...SHOWN, "answer", "error", "latency_ms", "reason", "session", "right", "times", "changes"]);

function generic(record: LedgerRecord, language: Language): string {
  const name = record.what === "" ? record.kind : record.what;
  const given = record.kind === "command" || record.kind === "decision" || record.kind === "refusal" ? members(record.all.args) : record.all;
  const rest = Object.entries(given)
    .filter(([member]) => !TOLD.has(member))
    .map(([member, value]) => `${member} ${text(value)}`);
  return rest.length === 0 ? name : `${name}${WORDS[language].colon}${rest.join(", ")}`;
}

function withReason(said: string, reason: string, language: Language): string {
  return reason === "" ? said : `${said}${WORDS[language].reason(reasonOf(reason, language))}`;
}
