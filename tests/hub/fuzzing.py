"""What asks the API at random, by its own document: with real tokens, about things that exist and that do not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig

from hub.wsgi import application
from tests.conftest import HAKODATE, connect, filing, front, town
from tests.hub import journeys
from tests.hub.pulling import waiting

#: How many requests in all; ``make fuzz`` asks for many more.
CASES = int(os.environ.get("HUB_FUZZ_CASES", "2000"))
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
        headers = dict(HEADERS)
        if token := self.tokens.get(self.needed(operation)):
            headers["Authorization"] = f"Bearer {token}"
        response = case.call(headers=headers)
        case.validate_response(response, checks=[CHECKS.get_one(name) for name in CHECKED])

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
            "/api/v1/openapi.json", app=application, headers=HEADERS, config=SchemathesisConfig()
        )
        yield Doors(schema, tokens, {"delivery_id": found, "relocation_id": ids, "name": ["gif_json"]})
