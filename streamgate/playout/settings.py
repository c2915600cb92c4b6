"""What a channel's settings look like to people and in the ledger: without any secret."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from streamgate.ledger.record import Setting
from streamgate.runtime.channels import ChannelConfig


class Asker(NamedTuple):
    """Who had the channel files read again, in which role and from where (an address)."""

    actor: str = "gate"
    role: str = ""
    origin: str = ""

    @classmethod
    def all(cls, askers: Iterable[Self]) -> Self:
        """Return those who asked at the same time as one: nobody can say whose change is whose."""
        different = list(dict.fromkeys(askers))
        if len(different) <= 1:
            return different[0] if different else cls()
        return cls(
            *(", ".join(dict.fromkeys(filter(None, column))) for column in zip(*different, strict=True))
        )

    def setting(self, channel: str, name: str, old: Any, new: Any) -> Setting:
        """Return the record of a setting that they changed."""
        return Setting(
            who=self.actor,
            role=self.role,
            from_=self.origin,
            channel=channel,
            name=name,
            old=old,
            new=new,
        )


def shown(config: ChannelConfig) -> dict[str, Any]:
    """Return the settings as plain values: without the key's hash, URLs without their keys."""
    return {
        "delay_s": config.delay_s,
        "destinations": [
            {
                "name": one.name,
                "url": one.redacted,
                "split_headers": one.split_headers,
                "approved": one.approved,
                "entered_by": one.entered_by,
                "approved_by": one.approved_by,
            }
            for one in config.destinations
        ],
        "backups": list(config.backups),
        "restore_needs_two": config.restore_needs_two,
        "retention_days": config.retention_days,
    }


def changes(old: ChannelConfig, new: ChannelConfig) -> list[tuple[str, Any, Any]]:
    """Return what differs as (name, old, new). Of a secret that differs only the fact is told."""
    before, after = shown(old), shown(new)
    found = [(name, before[name], after[name]) for name in after if before[name] != after[name]]
    if old.key_hash != new.key_hash:
        found.append(("stream_key", "(secret)", "(secret, changed)"))
    if old.destinations != new.destinations and before["destinations"] == after["destinations"]:
        found.append(("destinations", before["destinations"], "(a key in a URL was changed)"))
    return found


def differences(old: ChannelConfig | None, new: ChannelConfig | None) -> list[tuple[str, Any, Any]]:
    """Return what differs between two states of a channel, None: there is none, as (name, old, new)."""
    if old is not None and new is not None:
        return changes(old, new)
    return [("channel", old and shown(old), new and shown(new))]
