"""Channel settings for display and ledger, without secrets, and the differences between two states."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from streamgate.ledger.record import Setting
from streamgate.runtime.channels import ChannelConfig


class Asker(NamedTuple):
    """Who requested a reload of the channel files, in which role and from which address."""

    actor: str = "gate"
    role: str = ""
    origin: str = ""

    @classmethod
    def all(cls, askers: Iterable[Self]) -> Self:
        """Merge those who requested one reload: it is unknown which change is whose."""
        different = list(dict.fromkeys(askers))
        if len(different) <= 1:
            return different[0] if different else cls()
        return cls(
            *(", ".join(dict.fromkeys(filter(None, column))) for column in zip(*different, strict=True))
        )

    def setting(self, channel: str, name: str, old: Any, new: Any) -> Setting:
        """Return the ledger record of a setting that they changed."""
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
    """Return the settings as plain values, without key hashes and without keys in URLs."""
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
        "dump_s": config.dump_s,
        "duty_watch": config.duty_watch,
        "duty_ask_min": config.duty_ask_min,
        "duty_absent_s": config.duty_absent_s,
        "practice": config.practice,
    }


def changes(old: ChannelConfig, new: ChannelConfig) -> list[tuple[str, Any, Any]]:
    """Return the differences as (name, old, new). For a secret, only the fact that it changed."""
    before, after = shown(old), shown(new)
    found = [(name, before[name], after[name]) for name in after if before[name] != after[name]]
    if old.key_hash != new.key_hash:
        found.append(("stream_key", "(secret)", "(secret, changed)"))
    if old.standby_key_hash != new.standby_key_hash:
        was, is_ = ("(secret)" if one.standby_key_hash else None for one in (old, new))
        found.append(("standby_key", was, "(secret, changed)" if was and is_ else is_))
    if old.destinations != new.destinations and before["destinations"] == after["destinations"]:
        found.append(("destinations", before["destinations"], "(a key in a URL was changed)"))
    return found


def differences(old: ChannelConfig | None, new: ChannelConfig | None) -> list[tuple[str, Any, Any]]:
    """Return the differences between two states of a channel (None: no channel) as (name, old, new)."""
    if old is not None and new is not None:
        return changes(old, new)
    return [("channel", old and shown(old), new and shown(new))]
