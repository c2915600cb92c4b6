/** Roles as people read them. Pure. */
import type { Strings } from "../i18n";

type Words = Pick<Strings["account"], "roleNames" | "onChannel">;

/** `role`: ROLE, or ROLE@CHANNEL. One that the page does not know stands as it is. */
export function roleInWords(role: string, words: Words): string {
  const at = role.indexOf("@");
  const name = at < 0 ? role : role.slice(0, at);
  const said = words.roleNames[name] ?? name;
  return at < 0 ? said : words.onChannel(said, role.slice(at + 1));
}
