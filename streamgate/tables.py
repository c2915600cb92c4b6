"""Tables for people at a terminal. Imported only when one is printed: rich loads slowly."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from streamgate.link.messages import ChannelStatus, DestinationStatus, IngestStatus, Warn
from streamgate.runtime.channels import Loaded

_COLOURS = {
    "live": "bold green",
    "cut": "bold white on red",
    "backup": "bold yellow",
    "filling": "bold cyan",
    "no_input": "bold magenta",
    "stopped": "dim",
}


def print_status(channels: Sequence[ChannelStatus], warnings: Sequence[Warn] = ()) -> None:
    """Print streamgate's own warnings, one row per channel, then the channels' warnings."""
    console = Console()
    for warn in warnings:
        _print_warning(console, "streamgate", warn)
    if not channels:
        console.print("no channels yet; make one with: streamgate channel add NAME --push URL")
        return
    table = Table("channel", "state", "lead", "input", "destinations", "archive")
    for channel in channels:
        state = f"[{_COLOURS[channel.state]}] {channel.state.upper().replace('_', ' ')} [/]"
        if channel.returns_in_s is not None:
            state += f"\nlive in {channel.returns_in_s:.0f} s"
        lead = "" if channel.lead_s is None else f"{channel.lead_s:.1f} s\n"
        table.add_row(
            escape(channel.name),
            state,
            f"{lead}[dim]delay {channel.delay_s:g} s[/]",
            escape(_inputs(channel)),
            "\n".join(escape(_destination(one)) for one in channel.destinations) or "[dim]none[/]",
            escape(f"{channel.archive.state} {_size(channel.archive.bytes)}"),
        )
    console.print(table)
    for channel in channels:
        inputs = [channel.ingest] if channel.standby is None else [channel.ingest, channel.standby]
        for warn in (*channel.warnings, *(warn for one in inputs for warn in one.warnings)):
            _print_warning(console, channel.name, warn)


def _print_warning(console: Console, name: str, warn: Warn) -> None:
    style = {"info": "dim", "warning": "yellow", "alarm": "bold red"}[warn.level]
    console.print(f"{name}: {warn.text}", style=style, markup=False, highlight=False)


def print_channels(loaded: Loaded) -> None:
    """Print one row per channel, then the files that were not loaded."""
    console = Console()
    if not loaded.channels and not loaded.errors:
        console.print("no channels yet; make one with: streamgate channel add NAME --push URL")
        return
    table = Table(
        "channel", "delay", Column("push", overflow="fold"), Column("backup", overflow="fold", ratio=1)
    )
    for channel in loaded.channels:
        table.add_row(
            escape(channel.name),
            f"{channel.delay_s:g} s",
            "\n".join(
                escape(f"{one.name}  {one.redacted}" + ("" if one.approved else "\n  WAITS FOR APPROVAL"))
                for one in channel.destinations
            )
            or "[dim]none[/]",
            "\n".join(escape(path) for path in channel.backups) or "[dim]slate only[/]",
        )
    console.print(table)
    for error in loaded.errors:
        console.print(error.text, style="bold red", markup=False, highlight=False)


def _inputs(channel: ChannelStatus) -> str:
    main = _ingest(channel.ingest)
    return main if channel.standby is None else f"{main}\nstandby: {_ingest(channel.standby)}"


def _ingest(ingest: IngestStatus) -> str:
    if not ingest.connected:
        return "none"
    video = (
        f"{ingest.video_codec} {ingest.width}x{ingest.height}@{ingest.fps:g}"
        if ingest.video_codec
        else "no video"
    )
    audio = f"{ingest.audio_codec} {ingest.sample_rate / 1000:g} kHz" if ingest.audio_codec else "no audio"
    return f"{video}\n{audio}, {_rate(ingest.bitrate_bps)}"


def _destination(one: DestinationStatus) -> str:
    rate = f" {_rate(one.bitrate_bps)}" if one.state in ("live", "behind") else ""
    return f"{one.name}: {one.state}{rate}{f' ({one.error})' if one.error else ''}"


def _rate(bits_per_s: int) -> str:
    return f"{bits_per_s / 1e6:.2f} Mb/s"


def _size(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
