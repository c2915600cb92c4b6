"""The whole OpenAPI document against the real console over HTTP: nothing undocumented, and no fault.

Requests are made from the document by schemathesis, fitting and unfitting ones, always the same ones.
STREAMGATE_TEST_EXAMPLES=200 looks further.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from console_stage import Stage
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from real_gate import running_gate
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tools.people import sign_in

from console.api.schema import document
from console.app import routes
from streamgate.runtime.channels import ChannelStore

EXAMPLES = int(os.environ.get("STREAMGATE_TEST_EXAMPLES", "8"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
BY_THEMSELVES = {"start_rehearsal"}  # what they do on a channel that exists takes seconds of CPU
SERVED = {"show_health", "start_practice"}  # 503 is their right answer where no ingest runs, as here
PUBLIC = {"show_health", "open_session", "show_one_time", "use_one_time"}
SLOW = {
    "upload_backup": 3,
    "open_session": 4,
    "start_rehearsal": 3,
    "check_rules": 3,
}  # examples: they start a child, or hash


def operations() -> Iterator[schemathesis.APIOperation]:
    config = schemathesis.Config()
    schema = schemathesis.openapi.from_dict(document(routes()), config=config)
    for found in schema.get_all_operations():
        yield found.ok()


class Walk:
    """Sends what schemathesis makes; as somebody, or as nobody."""

    def __init__(self, url: str, stage: Stage, person: str) -> None:
        self.url, self.stage, self.person = url, stage, person
        self.session = requests.Session()
        self.session.trust_env = False
        self.statuses: dict[str, set[int]] = {}
        self.faults: list[str] = []

    def sign_in(self) -> None:
        """Some of the requests end the session that they are made with."""
        if self.person and self.session.get(f"{self.url}/api/v1/session").status_code != 200:
            name, value = sign_in(self.url, self.stage.people[self.person])
            self.session.cookies.clear()
            self.session.cookies.set(name, value)

    def all_operations(self) -> None:
        for operation in operations():
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                self.sign_in()
                self.one(operation, mode)

    def one(self, operation: schemathesis.APIOperation, mode: GenerationMode) -> None:
        name = operation.definition.raw["operationId"]
        seen = self.statuses.setdefault(name, set())
        number = 0

        def ask(case: Case) -> None:
            nonlocal number
            number += 1
            if number % 2 and "channel" in case.path_parameters and name not in BY_THEMSELVES:
                case.path_parameters["channel"] = "main"
            response = case.call(base_url=self.url, session=self.session, timeout=30)
            seen.add(response.status_code)
            case.validate_response(response, checks=CHECKS[name in SERVED :])

        run = settings(
            max_examples=SLOW.get(name, EXAMPLES),
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(operation.as_strategy(generation_mode=mode))(ask))
        try:
            with contextlib.suppress(Unsatisfiable):  # what takes nothing cannot be given something unfit
                run()
        except FailureGroup as group:
            self.faults.append(f"{name} ({mode.value}): {group}")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("person", ["operator", ""], ids=["everything", "nobody"])
async def test_every_answer_is_as_documented(idle: Stage, person: str) -> None:
    ChannelStore(idle.data_dir).add("main")
    async with running_gate(idle.data_dir), idle.console():
        await idle.person("operator")
        walk = Walk(idle.url, idle, person)
        await asyncio.to_thread(walk.all_operations)
    assert walk.faults == [], "\n".join(walk.faults)
    statuses = set().union(*walk.statuses.values())
    if person:
        assert {200, 400, 404, 409} <= statuses
        assert {name for name, seen in walk.statuses.items() if seen == {401}} <= PUBLIC
    else:
        refused = {name for name, seen in walk.statuses.items() if seen <= {401, 403, 413}}
        assert refused >= set(walk.statuses) - PUBLIC
