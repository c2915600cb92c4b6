"""Health of the processes, for monitoring: no session needed."""

from fastapi import APIRouter
from starlette.responses import Response

from console.api.answers import GetParts, Model, json_response

router = APIRouter(tags=["health"])


class Health(Model):
    """Who is up. `down` names who is not; `error` and `error_zh` say it and stand there only then."""

    ok: bool
    console: bool
    gate: bool
    ingest: bool
    down: list[str]
    error: str | None = None
    error_zh: str | None = None


@router.get("/healthz", response_model=Health, responses={503: {"model": Health}})
async def show_health(parts: GetParts) -> Response:
    """200 when console, gate and ingest are up, else 503; what is known of ingest the gate says."""
    gate = await parts.gate.probe()
    up = {"console": True, "gate": gate, "ingest": gate and parts.gate.ingest_up}
    down = [name for name, alive in up.items() if not alive]
    health = Health(ok=not down, console=True, gate=gate, ingest=up["ingest"], down=down)
    if not gate:
        health.error = "gate is not up; without it nothing is known of ingest"
        health.error_zh = "播出进程（gate）未运行；此时无法得知接入进程（ingest）的状态"
    elif down:
        health.error = "ingest is not up"
        health.error_zh = "接入进程（ingest）未运行"
    return json_response(health.model_dump(exclude_none=True), 503 if down else 200)
