"""Health of the processes, for monitoring: no session needed."""

from fastapi import APIRouter
from starlette.responses import Response

from console.api.answers import GetParts, Model, json_response

router = APIRouter(tags=["health"])
_ZH = {"gate": "播出进程（gate）", "ingest": "接入进程（ingest）", "comments": "评论进程（comments）"}


class Health(Model):
    """Who is up. `down` names who is not; `error` and `error_zh` say it and stand there only then.

    What is known of ingest the gate says; without it nothing is.
    """

    ok: bool
    console: bool
    gate: bool
    ingest: bool
    comments: bool
    down: list[str]
    error: str | None = None
    error_zh: str | None = None


@router.get("/healthz", response_model=Health, responses={503: {"model": Health}})
async def show_health(parts: GetParts) -> Response:
    """200 when console, gate, ingest and comments are up, else 503."""
    gate = await parts.gate.probe()
    ingest = gate and parts.gate.ingest_up
    up = {"console": True, "gate": gate, "ingest": ingest, "comments": parts.review.link.up}
    down = [name for name, alive in up.items() if not alive]
    health = Health(ok=not down, console=True, gate=gate, ingest=ingest, comments=up["comments"], down=down)
    if down:
        said = [one for one in down if gate or one != "ingest"]
        health.error = f"{' and '.join(said)} {'is' if len(said) == 1 else 'are'} not up"
        health.error_zh = f"{'、'.join(_ZH[name] for name in said)}未运行"
    if not gate:
        health.error = f"{health.error}; without the gate nothing is known of ingest"
        health.error_zh = f"{health.error_zh}；此时无法得知接入进程（ingest）的状态"
    return json_response(health.model_dump(exclude_none=True), 503 if down else 200)
