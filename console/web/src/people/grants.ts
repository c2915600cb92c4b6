/** Roles as people are given them: ROLE everywhere, or ROLE@CHANNEL. Pure. */
import type { Person, Role, SignInRow } from "../api/types";

export interface Given {
  role: string;
  /** null: on every channel. */
  channels: string[] | null;
}

export function grant(role: string, channel?: string): string {
  return channel === undefined ? role : `${role}@${channel}`;
}

/** One entry a role, in the order in which each comes first; "everywhere" covers what is given on channels. */
export function byRole(grants: readonly string[]): Given[] {
  const found = new Map<string, string[] | null>();
  for (const one of grants) {
    const at = one.indexOf("@");
    const role = at < 0 ? one : one.slice(0, at);
    const before = found.get(role);
    if (at < 0) found.set(role, null);
    else if (before !== null) found.set(role, [...(before ?? []), one.slice(at + 1)]);
  }
  return [...found].map(([role, channels]) => ({ role, channels }));
}

/** With the grant added or taken away; given everywhere, a role needs no channels. */
export function toggle(grants: readonly string[], role: string, channel?: string): string[] {
  const changed = grant(role, channel);
  if (grants.includes(changed)) return grants.filter((one) => one !== changed);
  const others = channel === undefined ? grants.filter((one) => !one.startsWith(`${role}@`)) : grants;
  return [...others, changed];
}

export function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((given) => other.includes(given));
}

/** The channels to choose from: those there are, and those somebody still has a role on. */
export function channelsOf(there: readonly string[], grants: readonly string[]): string[] {
  const named = byRole(grants).flatMap(({ channels }) => channels ?? []);
  return [...new Set([...there, ...named])];
}

export interface RoleWords {
  roles: Record<Role, { name: string; may: string }>;
  onChannels: (role: string, channels: string) => string;
}

/** "Director · Operator on main, hall". A role that this page does not know yet is shown as it is written. */
export function rolesInWords(grants: readonly string[], words: RoleWords, joins: { list: string; roles: string }): string {
  const known: Record<string, { name: string }> = words.roles;
  return byRole(grants)
    .map(({ role, channels }) => {
      const name = known[role]?.name ?? role;
      return channels === null ? name : words.onChannels(name, channels.join(joins.list));
    })
    .join(joins.roles);
}

export type Standing = "active" | "disabled" | "invited" | "invitation_over" | "reset" | "reset_over";

/** What somebody's account waits for, if anything. */
export function standing({ disabled, invited, has_password, link_expires_at }: Person): Standing {
  if (disabled) return "disabled";
  if (invited) return link_expires_at === null ? "invitation_over" : "invited";
  if (!has_password) return link_expires_at === null ? "reset_over" : "reset";
  return "active";
}

/** Those in whose name, shown name or roles (in words) all of these words occur. */
export function findPeople(people: readonly Person[], wanted: string, inWords: (person: Person) => string): Person[] {
  const parts = wanted.toLowerCase().split(/\s+/).filter((part) => part !== "");
  return people.filter((person) => {
    const all = `${person.user} ${person.display_name} ${inWords(person)}`.toLowerCase();
    return parts.every((part) => all.includes(part));
  });
}

/** How an outcome of the sign-in log is coloured. */
export function outcomeTone(result: SignInRow["result"]): "good" | "" | "warn" {
  if (result === "ok") return "good";
  return result === "totp_needed" ? "" : "warn";
}
