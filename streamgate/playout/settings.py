"""What a channel's settings look like to people and in the ledger: without any secret."""

from typing import Any

from streamgate.runtime.channels import ChannelConfig


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
