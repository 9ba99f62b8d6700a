"""The OpenAPI document: valid, complete, its examples true, its language the reader's; and the page made from it."""

import re
from typing import Any

import jsonschema
import msgspec
import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html

from hub import catalogue
from hub.api import contract, openapi, urls
from tests.conftest import Caller, front
from tests.hub.fuzzing import CASES, STEPS, WALKS, Doors, doors  # noqa: F401 - a fixture among them
from tests.hub.pulling import origin  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
#: What is no door of the document: the page itself, and what does not exist.
APART = {"Page", "Nothing"}
OPERATIONS = {one.id: (address, method) for address, method, _, one in openapi.operations()}


def fetched(language: str = "ja") -> Any:
    """Return the document as it is served."""
    answer = Client(HTTP_HOST="127.0.0.1").get("/api/v1/openapi.json", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.json()


# --- The document ----------------------------------------------------------------------------------------


def test_the_document_is_valid_openapi_3_1() -> None:
    import jsonschema_rs
    from schemathesis.specs.openapi.definitions import OPENAPI_31

    validator = jsonschema_rs.validator_for(OPENAPI_31)
    assert [str(error) for error in validator.iter_errors(fetched())] == []


def test_every_route_is_in_the_document_and_every_reference_leads_somewhere() -> None:
    made = fetched()
    routes = {
        "/api/v1/" + openapi.address_of(pattern)
        for pattern in urls.urlpatterns
        if pattern.callback.cls.__name__ not in APART
    }
    assert {path for path in made["paths"] if path.startswith("/api/")} == routes
    for reference in re.findall(r'"\$ref":"#/([^"]+)"', msgspec.json.encode(made).decode()):
        found = made
        for part in reference.split("/"):
            found = found[part]
    ids = [one["operationId"] for methods in made["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids))
    assert set(ids) == set(contract.words("operations")) == set(openapi.examples(timezone.localdate()))


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_the_examples_are_of_their_shapes(operation_id: str) -> None:
    made = fetched()
    address, method = OPERATIONS[operation_id]
    one = made["paths"][address][method]
    media = [*one.get("requestBody", {}).get("content", {}).values()]
    media += [inner for answer in one["responses"].values() for inner in answer.get("content", {}).values()]
    shown = 0
    for inner in media:
        examples = [inner["example"]] if "example" in inner else []
        examples += [made["components"]["examples"][code]["value"] for code in inner.get("examples", {})]
        for example in examples:
            rooted = inner["schema"] | {"components": made["components"]}
            jsonschema.Draft202012Validator(rooted, format_checker=jsonschema.FormatChecker()).validate(example)
            shown += 1
    assert shown >= 2


def test_the_example_of_a_filing_is_taken_in_as_it_stands() -> None:
    body = openapi.examples(timezone.localdate())["fileRelocation"]["body"]
    assert front().post("relocations", msgspec.json.encode(body)).status_code == 201


def test_every_error_of_the_catalogue_has_an_example_in_the_readers_language() -> None:
    for language, name in (("ja", "title_ja"), ("en", "title_en")):
        examples = fetched(language)["components"]["examples"]
        assert {code: row["value"]["title"] for code, row in examples.items()} == {
            code: getattr(row, name) for code, row in catalogue.entries().items()
        }


def test_every_value_of_the_code_tables_has_words() -> None:
    made, named = fetched(), contract.codes()
    answer = Client(HTTP_HOST="127.0.0.1").get("/api/v1/codes").json()["tables"]
    assert set(named) <= set(answer)
    for table in named:
        shape = made["components"]["schemas"][table[0].upper() + table[1:]]
        assert set(map(str, shape["enum"])) == set(named[table])


# --- What changes with time --------------------------------------------------------------------------------


def test_a_deprecated_operation_says_since_when_and_until_when(
    origin: Caller,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    today = timezone.localdate()
    row = contract.Change(
        today.replace(year=2026, month=4, day=1), "deprecated", "getLane", today.replace(year=2027, month=4, day=1),
        contract.Words("", ("", "やめます"), ("", "Goes away")),
    )  # fmt: skip
    assert "Deprecation" not in origin.get("lane")
    monkeypatch.setattr(contract, "changelog", lambda: (row,))
    openapi.document.cache_clear()
    answer = origin.get("lane")
    assert (answer["Deprecation"], answer["Sunset"]) == ("@1775001600", "Thu, 01 Apr 2027 00:00:00 GMT")
    assert 'rel="deprecation"' in answer["Link"]
    assert fetched()["paths"]["/api/v1/lane"]["get"]["deprecated"] is True
    page = Client(HTTP_HOST="127.0.0.1").get("/api/v1/docs").content.decode()
    assert page.count("やめます") == 2
    openapi.document.cache_clear()


# --- The page ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("query", "language"), [("", "ja"), ("?language=en", "en"), ("?language=ja", "ja")])
def test_the_page_says_everything_without_a_script(query: str, language: str) -> None:
    answer = Client(HTTP_HOST="127.0.0.1").get(f"/api/v1/docs{query}", headers={"Accept": "text/html"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    page: Any = html.fromstring(answer.content)
    assert page.get("lang") == language
    assert page.xpath("//script | //*[@style] | //style | //img[starts-with(@src, 'http')]") == []
    ids = set(page.xpath("//@id"))
    assert {link[1:] for link in page.xpath("//a/@href") if link.startswith("#")} <= ids
    assert set(OPERATIONS) | set(catalogue.entries()) <= ids
    assert len(page.xpath("//@id")) == len(ids)


# --- Any request gets a documented answer ------------------------------------------------------------------


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_any_request_gets_a_documented_answer(operation_id: str, doors: Doors) -> None:  # noqa: F811
    address, method = OPERATIONS[operation_id]
    operation = doors.schema[address][method.upper()]

    @settings(
        max_examples=max(5, (CASES - WALKS * STEPS) // len(OPERATIONS)),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        doors.ask(operation, data)

    ask()


def test_walks_along_the_links_get_documented_answers_and_arrive(doors: Doors) -> None:  # noqa: F811
    reached = doors.walk()
    arrived = {name for (name, status), _ in reached.items() if status < 400}
    assert len(arrived) >= 3, reached


def test_a_parameter_that_frameworks_know_is_unknown_like_any_other(origin: Caller) -> None:  # noqa: F811
    for text in ("format=", "format=json", "format=csv"):
        assert (answer := origin.get(f"changes?{text}")).status_code == 400, text
        assert answer.json()["code"] == "E110"
