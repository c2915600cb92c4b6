import { Checkbox } from "@mantine/core";
import { useChannels } from "../api/channels";
import { usePeople } from "../api/people";
import { useText } from "../i18n";
import page from "../ui/Page.module.css";
import { channelsOf, grant, toggle } from "./grants";
import classes from "./People.module.css";

interface Props {
  grants: readonly string[];
  onChange: (grants: string[]) => void;
}

/** Every role there is, each to be given everywhere or, where that makes sense, on single channels. */
export function RolesField({ grants, onChange }: Props) {
  const words = useText().people;
  const roles = usePeople().data?.roles ?? [];
  const there = useChannels().data?.channels.map(({ name }) => name) ?? [];
  const channels = channelsOf(there, grants);
  return (
    <fieldset className={classes.roles}>
      <legend>{words.rolesTitle}</legend>
      {roles.map(({ role, per_channel }) => {
        const { name, may } = words.roles[role];
        const everywhere = grants.includes(role);
        return (
          <div key={role} className={classes.role}>
            <div>
              <div>{name}</div>
              <div className={page.dim}>{may}</div>
            </div>
            <div className={classes.boxes}>
              <Checkbox
                size="xs"
                label={words.everywhere}
                aria-label={words.roleOn(name, words.everywhere)}
                checked={everywhere}
                onChange={() => onChange(toggle(grants, role))}
              />
              {per_channel &&
                channels.map((channel) => (
                  <Checkbox
                    key={channel}
                    size="xs"
                    label={channel}
                    aria-label={words.roleOn(name, channel)}
                    checked={everywhere || grants.includes(grant(role, channel))}
                    disabled={everywhere}
                    onChange={() => onChange(toggle(grants, role, channel))}
                  />
                ))}
            </div>
          </div>
        );
      })}
      {grants.length === 0 && <p className={page.dim}>{words.noRole}</p>}
    </fieldset>
  );
}
