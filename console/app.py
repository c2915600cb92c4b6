"""The console's application: its routes under the guard. Nothing here reads the environment."""

from pathlib import Path

from fastapi import Depends, FastAPI

from console import pages
from console.api import (
    archive,
    audit,
    backups,
    channel_settings,
    channels,
    conveyor,
    destinations,
    duty,
    exports,
    health,
    holds,
    incidents,
    me,
    openapi,
    own_keys,
    page,
    people,
    practice,
    recordings,
    rehearsal,
    review,
    review_files,
    session,
    settings,
    sockets,
    storage,
    tokens,
    undo,
)
from console.api.answers import EVERYWHERE, Parts, add_error_answers
from console.auth.guard import Guard, HostNames
from console.auth.rights import authorize
from console.ledger import Ledger
from console.recorder import Recorder

STATIC = Path(__file__).parent / "static"


def routes() -> FastAPI:
    """Return the application with its routes only: what the OpenAPI document is made from."""
    app = FastAPI(
        title="streamgate console",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(authorize)],
        responses=EVERYWHERE,
        generate_unique_id_function=lambda route: route.name,
        strict_content_type=False,  # scripts need not name it; the guard refuses other sites' pages
    )
    for module in (
        *(health, session, me, own_keys, people, tokens, channels, conveyor),
        *(
            channel_settings,
            destinations,
            backups,
            rehearsal,
            duty,
            practice,
            undo,
            settings,
            audit,
            archive,
            incidents,
            recordings,
            holds,
            exports,
            storage,
            review,
            review_files,
        ),
        *(openapi, sockets, page),
    ):
        app.include_router(module.router)
    return app


def create_app(parts: Parts, hosts: HostNames, ledger: Ledger) -> FastAPI:
    """Return the ASGI application; the links in `parts` are run by whoever made them."""
    app = routes()
    app.state.parts = parts
    app.add_middleware(Guard, hosts=hosts, sessions=parts.sessions)
    app.add_middleware(Recorder, ledger=ledger)  # the last one is the outermost
    add_error_answers(app)
    app.mount("/", pages.Built(parts.static))
    return app
