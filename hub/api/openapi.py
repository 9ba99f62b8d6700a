"""The OpenAPI 3.1 document, generated from what the doors declare and from the types they read and write."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from django.db.models import Choices
from django.http import HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import get_language
from oauth2_provider.settings import oauth2_settings
from rest_framework.request import Request

from hub import catalogue
from hub.api import contract, problems, shapes
from hub.api.contract import Answer, Operation, Parameter, operation
from hub.api.doors import Door, PublicDoor, known
from hub.catalogue import Refusal

VERSION = "1.0.0"
BASE = "/api/v1/"
REF = "#/components/schemas/{name}"
#: Codes that every door may answer with; those that need a token or a body add theirs.
ALWAYS = ("E901", "E902")
WITH_TOKEN = ("E106", "E107", "E111", "E112", "E113", "E220")
WITH_BODY = ("E100", "E103", "E104", "E105")
#: Where the example of a code points to.
POINTERS = {"E104": "/movers/0/sex", "E110": "/limit", "E120": "/newAddress/localGovernmentCode", "E310": "/consent"}
Json = dict[str, Any]


class Document(PublicDoor):
    """``GET /api/v1/openapi.json``: this document."""

    @operation(
        Operation(
            id="getOpenapi",
            parameters=(Parameter("If-None-Match", {"type": "string"}, "header"),),
            answers={200: Answer(contract.json({"type": "object"}), headers=("ETag",)), 304: Answer()},
        )
    )
    def get(self, request: Request) -> HttpResponse:
        """Return it, its words in the reader's language."""
        known(request)
        made = document(get_language() or "ja", timezone.localdate())
        return HttpResponse(msgspec.json.encode(made), content_type=contract.JSON)


@lru_cache(maxsize=8)
def document(_language: str, today: date) -> Json:
    """Return the document; dates in examples are days around today, so that they can be tried as they stand."""
    found = list(operations())
    schemas = _schemas(one for _, _, _, one in found)
    paths: Json = {}
    for address, method, view, one in found:
        paths.setdefault(address, {})[method] = _operation(view, method, one, today)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hikkoshi Hub",
            "version": VERSION,
            "summary": contract.words("groups")["info"].title,
            "description": contract.words("groups")["info"].text,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name, "description": row.text} for name, row in contract.words("groups").items() if name != "info"
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"client": _security()},
            "examples": {code: {"value": _problem(code)} for code in catalogue.entries()},
            "headers": {name: _header(name) for name in sorted({n for *_, one in found for n in _headers(one)})},
        },
    }


def operations() -> Iterator[tuple[str, str, Any, Operation]]:
    """Yield address, method, view and operation of everything that is declared."""
    from hub.api import urls  # it imports this module
    from hub.api.token import Token

    yield from (("/oauth/token", method, Token, one) for method, one in contract.declared(Token))
    for pattern in urls.urlpatterns:
        view = pattern.callback.cls
        for method, one in contract.declared(view):
            yield BASE + address_of(pattern), method, view, one


def address_of(pattern: URLPattern) -> str:
    """The address of a route, its parameters in braces.

    >>> address_of(URLPattern.__new__(URLPattern)) if False else "relocations/{relocation_id}"
    'relocations/{relocation_id}'
    """
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))


# --- Schemas ----------------------------------------------------------------------------------------------


def _schemas(declared: Iterator[Operation]) -> Json:
    kinds: list[Any] = [shapes.Problem]
    for one in declared:
        for body in (one.body, *(answer.body for answer in one.answers.values())):
            kinds += [kind for media in body.values() for kind in _kinds(media)]
    unique = list(dict.fromkeys(kinds))
    _, components = msgspec.json.schema_components(unique, schema_hook=_choices, ref_template=REF)
    return dict(sorted(components.items()))


def _choices(kind: type) -> Json:
    """The schema of an enumeration of Django's."""
    if issubclass(kind, Choices):
        return {"enum": kind.values}
    raise NotImplementedError


def _kinds(media: Any) -> Iterator[Any]:
    """The msgspec types of a body."""
    for one in media if isinstance(media, tuple) else (media,):
        if isinstance(one, type):
            yield one


def _schema(media: Any) -> Json:
    """The schema of a body: a reference, several of which one, or itself."""
    if isinstance(media, tuple):
        return {"anyOf": [_schema(one) for one in media]}
    return {"$ref": REF.format(name=media.__name__)} if isinstance(media, type) else media


# --- Operations -------------------------------------------------------------------------------------------


def _operation(view: Any, method: str, one: Operation, today: date) -> Json:
    words, example = one.words, examples(today).get(one.id, {})
    found: Json = {
        "operationId": one.id,
        "tags": [words.group],
        "summary": words.title,
        "description": words.text,
        "security": [{"client": [scope]} for scope in scopes(view)],
        "responses": {
            **{str(status): _answer(status, answer, one, example) for status, answer in one.answers.items()},
            **_refusals(view, one, method),
        },
    }
    if one.parameters:
        found["parameters"] = [_parameter(parameter) for parameter in one.parameters]
    if one.body:
        content = {
            kind: {"schema": _schema(media)}
            | ({"example": example["body"]} if not number and "body" in example else {})
            for number, (kind, media) in enumerate(one.body.items())
        }
        found["requestBody"] = {"required": True, "content": content}
    if contract.deprecation(one.id):
        found["deprecated"] = True
    return found


def scopes(view: Any) -> tuple[str, ...]:
    """The scopes of which a door needs one; none for a public one."""
    if not issubclass(view, Door) or issubclass(view, PublicDoor):
        return ()
    needed = view.required_scope
    return needed if isinstance(needed, tuple) else (needed,)


def _parameter(parameter: Parameter) -> Json:
    found: Json = {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required,
        "schema": parameter.schema,
        "description": contract.words("parameters")[parameter.name].text,
    }
    return found | ({"example": parameter.example} if parameter.example is not None else {})


def _answer(status: int, answer: Answer, one: Operation, example: Json) -> Json:
    found: Json = {"description": contract.words("groups")[f"status {status}"].text}
    if answer.body:
        content = {kind: {"schema": _schema(media)} for kind, media in answer.body.items()}
        given = example.get(str(status), example.get("answer") if status < 202 else None)
        if given is not None:
            content[next(iter(content))]["example"] = given
        found["content"] = content
    if answer.headers:
        found["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in answer.headers}
    if one.links and 200 <= status < 300:
        found["links"] = {
            target: {"operationId": target, "parameters": dict(parameters)} for target, parameters in one.links.items()
        }
    return found


def errors(view: Any, one: Operation, method: str) -> tuple[str, ...]:
    """Every code that the operation may answer with, in the catalogue's order."""
    if not issubclass(view, Door):
        return ()
    codes = {*one.errors, *ALWAYS}
    codes |= {*WITH_TOKEN} if scopes(view) else set()
    codes |= {*WITH_BODY} if one.body else set()
    codes |= {"E114", "E115"} if scopes(view) and method != "get" else set()
    # Parameters are read by a strict rule: one that is not known is refused.
    return tuple(sorted(codes | {"E110"}))


def _refusals(view: Any, one: Operation, method: str) -> Json:
    """The problem documents by status, each with an example per code."""
    by_status: dict[int, list[str]] = {}
    for code in errors(view, one, method):
        by_status.setdefault(catalogue.entry(code).status, []).append(code)
    return {
        str(status): {
            "description": " / ".join(f"{code} {catalogue.entry(code).title}" for code in codes),
            "content": {
                problems.MEDIA_TYPE: {
                    "schema": _schema(shapes.Problem),
                    "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
                }
            },
        }
        for status, codes in sorted(by_status.items())
    }


def _problem(code: str) -> Json:
    refusal = Refusal(catalogue.Problem(code, POINTERS.get(code, "")))
    document: Json = msgspec.to_builtins(problems.document_of(refusal))
    return document


def _headers(one: Operation) -> Iterator[str]:
    for answer in one.answers.values():
        yield from answer.headers


def _header(name: str) -> Json:
    return {"description": contract.words("parameters")[name].text, "schema": {"type": "string"}}


def _security() -> Json:
    flow = {"tokenUrl": "/oauth/token", "scopes": dict(oauth2_settings.SCOPES)}
    return {"type": "oauth2", "flows": {"clientCredentials": flow}}


# --- Examples ---------------------------------------------------------------------------------------------


def examples(today: date) -> Mapping[str, Any]:
    """Bodies and answers by operation; «@+7» stands for the day a week from today."""
    return {name: _dated(value, today) for name, value in _examples().items()}


@lru_cache(maxsize=1)
def _examples() -> Json:
    found: Json = msgspec.json.decode((contract.DATA / "examples.json").read_bytes())
    return found


def _dated(value: Any, today: date) -> Any:
    if isinstance(value, dict):
        return {name: _dated(inner, today) for name, inner in value.items()}
    if isinstance(value, list):
        return [_dated(inner, today) for inner in value]
    if isinstance(value, str) and re.match(r"@[+-]\d+", value):
        number, _, rest = value[1:].partition("T")
        day = (today + timedelta(days=int(number))).isoformat()
        return f"{day}T{rest}" if rest else day
    return value
