"""Notifications to systemd (sd_notify(3)): ready, stopping, watchdog. Without systemd nothing is sent."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Send `state`, such as READY=1 or WATCHDOG=1. Never waits, never fails."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # the abstract name space
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.setblocking(False)
        out.sendto(state.encode(), address)
