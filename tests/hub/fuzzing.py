"""What asks the API at random, by its own document: with real tokens, about things that exist and that do not."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig

from hub.api import openapi
from tests.conftest import HAKODATE, connect, filing, front, town
from tests.hub import journeys
from tests.hub.pulling import waiting
from tests.hub.serving import APPLICATION

#: How many requests in all; ``make fuzz`` asks for many more.
CASES = int(os.environ.get("HUB_FUZZ_CASES", "2000"))
#: A tenth of them in walks of so many requests from operation to operation, along the document's links.
STEPS = 8
WALKS = CASES // 10 // STEPS
#: The transport without a network reads no compressed answer.
HEADERS = {"Host": "127.0.0.1", "Accept-Encoding": "identity"}
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


@dataclass(frozen=True)
class Doors:
    """The document, who calls by which token, and what there is to ask about."""

    schema: Any
    tokens: dict[str, str]
    known: dict[str, list[str]]

    def ask(self, operation: Any, data: st.DataObject) -> None:
        """Draw a request, right or wrong, send it, and hold the answer to the document."""
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        for name, values in self.known.items():
            if name in (case.path_parameters or {}) and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(values))
        response = case.call(headers=self.headers(operation))
        case.validate_response(response, checks=[CHECKS.get_one(name) for name in CHECKED])

    def headers(self, operation: Any) -> dict[str, str]:
        """What goes with every request: the token that opens the operation, if it needs one."""
        token = self.tokens.get(self.needed(operation))
        return HEADERS | ({"Authorization": f"Bearer {token}"} if token else {})

    def walk(self) -> Counter[tuple[str, int]]:
        """Go from answer to request along the links; how often each operation was reached so, by status."""
        doors, reached = self, Counter[tuple[str, int]]()
        filed = openapi.examples(timezone.localdate())["fileRelocation"]["body"]

        class Walk(self.schema.as_state_machine()):  # type: ignore[misc]
            """Every answer is held to the document, and what an answer links to is asked next."""

            def setup(self) -> None:
                """Nothing that one walk did is there in the next: the same steps have the same end."""
                self.undone = transaction.savepoint()

            def teardown(self) -> None:
                transaction.savepoint_rollback(self.undone)

            def step(self, given: Any) -> Any:
                found = super().step(given)
                if given.transition is not None and given.is_applied:
                    reached[given.case.operation.definition.raw["operationId"], found.response.status_code] += 1
                return found

            def before_call(self, case: Any) -> None:
                """A filing at random is refused, and leads nowhere."""
                if case.operation.definition.raw["operationId"] == "fileRelocation":
                    case.body = filed

            def get_call_kwargs(self, case: Any) -> dict[str, Any]:
                return {"headers": doors.headers(case.operation)}

            def validate_response(self, response: Any, case: Any, **_: Any) -> None:
                case.validate_response(response, checks=[CHECKS.get_one(name) for name in CHECKED])

        Walk.run(
            settings=settings(
                max_examples=WALKS,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
        )
        return reached

    @staticmethod
    def needed(operation: Any) -> str:
        """The scope that the operation needs; empty for a public one."""
        security = operation.definition.raw.get("security") or [{}]
        return next(iter(security[0].get("client", [])), "")


@contextmanager
def one_connection() -> Iterator[None]:
    """Keep the test's transaction open between requests, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.fixture
def doors() -> Iterator[Doors]:
    """A town with deliveries that wait, that were fetched and that are answered; and the front that filed."""
    connect(HAKODATE, "gif_json", "pull:")
    own, partner = town(HAKODATE), front()
    ids = [partner.post("relocations", filing(number)).json()["id"] for number in range(3)]
    journeys.carry()
    found = [line["id"] for line in waiting(own)]
    for pk in found[1:]:
        own.get(f"deliveries/{pk}/content")
    own.post(f"deliveries/{found[2]}/receipts", {"kind": "received"})
    tokens = {"deliveries": own.token, "reports": own.token, "relocations:file": partner.token}
    with one_connection():
        schema = schemathesis.openapi.from_wsgi(
            "/api/v1/openapi.json", app=APPLICATION, headers=HEADERS, config=SchemathesisConfig()
        )
        yield Doors(schema, tokens, {"delivery_id": found, "relocation_id": ids, "name": ["gif_json"]})
