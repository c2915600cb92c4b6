"""Shared by commands to the running gate: the call, and the output of its answer."""

import time
from typing import TYPE_CHECKING

import msgspec
import typer

if TYPE_CHECKING:
    from streamgate.link.messages import AnyRequest, Marked, Reply

GATE_RESTART_S = 3.0


def print_json(value: object) -> None:
    typer.echo(msgspec.json.encode(value).decode())


def call_gate(ctx: typer.Context, request: "AnyRequest") -> "Reply":
    import asyncio

    from streamgate.link.client import NotRunningError, call, not_running

    deadline = time.monotonic() + GATE_RESTART_S
    while True:
        try:
            return asyncio.run(call(ctx.obj.control_socket, request))
        except NotRunningError as error:
            # `serve` runs, so the gate process is just being restarted: wait for it.
            if ctx.obj.serving() is None or time.monotonic() > deadline:
                raise not_running(ctx.obj.root) from error
            time.sleep(0.05)


def act(ctx: typer.Context, request: "AnyRequest", json: bool, *, spans: bool = False) -> None:
    """Send a command and print the channel's new state. `took_ms`: as the gate measured it.

    `spans`: print the span of the answer, too.
    """
    started = time.monotonic()
    reply = call_gate(ctx, request)
    took_ms = (time.monotonic() - started) * 1000 if reply.took_ms is None else reply.took_ms
    if json:
        marked = _describe_span(reply.marked) if spans and reply.marked is not None else {}
        answer = {"channel": reply.channel, "state": reply.state, **marked, "took_ms": round(took_ms, 3)}
        print_json(answer | ({"waiting": reply.waiting} if reply.waiting else {}))
    else:
        waits = "; waits for a second person" if reply.waiting else ""
        what = _in_words(reply.marked) if spans and reply.marked is not None else ""
        typer.echo(f"{reply.channel}: {reply.state} ({took_ms:.1f} ms){what}{waits}")


def _describe_span(marked: "Marked") -> dict[str, object]:
    plain: dict[str, object] = {"span": marked.span, "from_s": marked.from_s, "to_s": marked.to_s}
    if marked.seconds is not None:
        plain["seconds"] = marked.seconds
    return plain


def _in_words(marked: "Marked") -> str:
    until = "now" if marked.to_s is None else f"{-marked.to_s:.2f} s ago"
    on = ", on to the next keyframe" if marked.open_end else ""
    return f"; {marked.span}: {-marked.from_s:.2f} s to {until}{on}"
