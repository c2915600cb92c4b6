"""The OpenAPI document: whole, fresh, and true of what is sent."""

import json
from typing import Any

import pytest
from console_stage import Stage, receive
from pydantic import TypeAdapter

from console.api.health import Health
from console.api.schema import document, model_of, socket_models
from console.api.session import SessionState
from console.app import routes
from console.auth.rights import ROUTES
from console.live import messages
from console.openapi import FILE, text

JSON = {"application/json"}
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FILES = {
    "/api/v1/archive/{channel}/playlist.m3u8": {"application/vnd.apple.mpegurl"},
    "/api/v1/archive/{channel}/parts/{day}/{name}": {"video/mp4", "video/x-flv"},
    "/api/v1/archive/{channel}/aired/{broadcast}/{name}": {"video/mp4"},
    "/api/v1/archive/{channel}/report": {"application/pdf", "text/html", DOCX},
    "/api/v1/incidents/{channel}/{incident}/report": {"application/pdf", "text/html", DOCX},
    "/api/v1/incidents/{channel}/{incident}/stills/{number}": {"image/jpeg"},
    "/api/v1/selfcheck": {"application/json", "application/pdf", "text/html", DOCX},
    "/api/v1/archive/{channel}/still.jpg": {"image/jpeg"},
    "/api/v1/channels/{channel}/stills/{number}": {"image/jpeg"},
    "/api/v1/archive/{channel}/exports/{export}/file": {"video/mp4"},
    "/api/v1/audit/export": {"text/csv"},
    "/api/v1/review/{channel}/export": {"text/csv", "application/x-ndjson"},
    "/api/v1/review/{channel}/form": {"text/html", "application/pdf"},
    "/api/v1/review/{channel}/report": {"application/json", "text/html"},
}
SERVER, PREVIEW, *_ = (TypeAdapter(model) for model in socket_models())


def test_the_document_beside_the_page_is_fresh() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "make it anew: python -m console.openapi"


def test_every_answer_and_body_has_a_schema() -> None:
    made = document(routes())
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                kinds = FILES.get(path, JSON) if status in {"200", "206"} else JSON
                assert set(answer["content"]) == kinds, (method, path, status)
                assert all(one["schema"] for one in answer["content"].values()), (method, path, status)
            if method == "post":
                assert operation["requestBody"]["content"]["application/json"]["schema"], path
    assert json.dumps(made).count("HTTPValidationError") == 0


def test_every_error_in_words_stands_in_both_languages() -> None:
    made = document(routes())["components"]["schemas"]
    worded = {name for name, one in made.items() if "error" in one.get("properties", {})}
    assert {"Notified", "SecondCopy", "ArchiveStatus", "ProblemBody", "DestinationStatus"} <= worded
    assert [name for name in worded if "error_zh" not in made[name]["properties"]] == []


def test_every_address_of_the_api_is_described() -> None:
    described = {
        (method.upper(), path) for path, item in document(routes())["paths"].items() for method in item
    }
    hidden = {("GET", "/"), ("GET", "/api/v1/openapi.json")}
    real = {
        (method, path)
        for method, path in ROUTES
        if method in {"GET", "POST", "PUT", "PATCH", "DELETE"} and "{path" not in path
    }
    assert described == real - hidden


def test_what_every_message_refers_to_is_there() -> None:
    made = document(routes())
    schemas = made["components"]["schemas"]

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if "$ref" in node else set()
            return own.union(*(references(value) for value in node.values()))
        return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()

    assert {ref.rpartition("/")[2] for ref in references(made)} <= set(schemas)
    assert {"ServerMessage", "PageCommand", "PreviewMessage", "ChannelStatus", "LogLine"} <= set(schemas)


async def test_it_is_shown_to_those_who_are_signed_in(stage: Stage) -> None:
    async with stage.client() as client:
        assert (await client.get("/api/v1/openapi.json")).json() == document(routes())
    async with stage.client(signed_in=False) as client:
        assert (await client.get("/api/v1/openapi.json")).status_code == 401


async def test_what_is_sent_is_what_is_described(stage: Stage) -> None:
    """The models allow nothing that they do not name and miss nothing that they do."""
    stage.gate.note("main", "cli:root", "live", "back to live")
    async with stage.socket() as socket, stage.client() as client:
        said = [await receive(socket, "hello")]
        for number, command in enumerate(("cut", "restore", "restore", "explode")):
            await socket.send(
                f'{{"t":"cmd","id":{number},"cmd":"{command}","channel":"main","reason":"a test"}}'
            )
            said.append(await receive(socket, "reply", id=number))
        said += [await receive(socket, "state"), await receive(socket, "ping")]
        assert [one.get("ok") for one in said if one["t"] == "reply"] == [True, True, False, False]
        state = (await client.get("/api/v1/state")).json()
        session = (await client.get("/api/v1/session")).json()
        health = (await client.get("/healthz")).json()
    assert [one["t"] for one in said].count("hello") == 1
    for message in said:
        SERVER.validate_python(message)
    assert said[0]["channels"][0]["clips"]
    model_of(messages.Snapshot).model_validate(state)
    SessionState.model_validate_json(json.dumps(session))
    Health.model_validate(health)
    async with stage.socket("/api/v1/preview/main/pgm") as pictures:
        PREVIEW.validate_json(await pictures.recv())


def test_two_models_of_one_name_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Health(messages.Message, tag="health"):
        well: bool

    monkeypatch.setattr(messages, "PreviewMessage", Health)
    with pytest.raises(ValueError, match="two different models are named Health"):
        document(routes())
