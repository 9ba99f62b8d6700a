"""``/api/v1/docs``: a guide to the first delivery and a reference, both made from the OpenAPI document; no script.

The guide's commands run as they stand, for the town that ``?town=`` names.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language, override
from rest_framework.request import Request

from hub import catalogue
from hub.api import contract
from hub.api.doors import PublicDoor, known
from hub.api.openapi import document
from hub.catalogue import refuse
from municipalities.models import Municipality

Json = dict[str, Any]
#: The towns that the guide's filing leaves and enters, unless it is about another.
USUAL, OTHER = "012025", "131016"
#: Two filings for one person hold each other up (E306), so that of the guide is of anybody.
BORN = {"year": "$((1930 + RANDOM % 70))", "month": "$((1 + RANDOM % 12))", "day": "$((1 + RANDOM % 28))"}


class Page(PublicDoor):
    """``GET /api/v1/docs``: the page."""

    def get(self, request: Request) -> HttpResponse:
        """Render it in the reader's language."""
        known(request, "language", "town")
        with override(spoken(request)):
            return self._page(request, town_of(request))

    def _page(self, request: Request, town: Municipality | None) -> HttpResponse:
        language = get_language() or "ja"
        made = document(language, timezone.localdate())
        context = {
            "document": made,
            "guide": f"api/guide.{language}.html",
            "base": request.build_absolute_uri("/").rstrip("/"),
            "town": town.pk if town else USUAL,
            "same_town": f"&town={town.pk}" if town else "",
            "filing": of_anybody(text(leaving(town, example_of(made["paths"]["/api/v1/relocations"]["post"])))),
            "groups": list(groups(made)),
            "shapes": list(shapes_of(made)),
            "errors": catalogue.entries().values(),
            "changelog": contract.changelog(),
        }
        return HttpResponse(render_to_string("api/docs.html", context, request._request))


def spoken(request: Request) -> str:
    """The language that is asked for by name, else the reader's."""
    asked = request.query_params.get("language", "")
    if asked and asked not in dict(settings.LANGUAGES):
        raise refuse("E110", "/language", f"One of {', '.join(dict(settings.LANGUAGES))}.")
    return asked or get_language() or settings.LANGUAGE_CODE


def town_of(request: Request) -> Municipality | None:
    """The town that the reader's system belongs to, if it is said; E110 for one that is none."""
    asked = request.query_params.get("town", "")
    town = Municipality.objects.leaf().valid_on(timezone.localdate()).filter(pk=asked[:6]).first() if asked else None
    if asked and (town is None or town.pk != asked):
        raise refuse("E110", "/town", "The six digits of a municipality that keeps a register.")
    return town


def leaving(town: Municipality | None, filing: Json) -> Json:
    """The example of a filing as one that leaves this town."""
    if town is None or town.pk == USUAL:
        return filing
    city, street, block = f"{town.within}{town.name}", "見本町", "１番１号"
    left = {
        "localGovernmentCode": town.pk,
        "prefecture": town.prefecture,
        "cityAndCounty": city,
        "streetAddress": street,
        "cityBlock": block,
        "fullAddress": f"{town.prefecture}{city}{street}{block}",
    }
    entered = filing["oldAddress"] if town.pk == OTHER else filing["newAddress"]
    return filing | {"oldAddress": left, "newAddress": entered}


def of_anybody(filing: str) -> str:
    """The filing with a birthday that the reader's shell draws: whoever tries again files for somebody else.

    >>> of_anybody('"day": 1')
    '"day": $((1 + RANDOM % 28))'
    """
    for part, drawn in BORN.items():
        filing = re.sub(rf'"{part}": \d+', f'"{part}": {drawn}', filing)
    return filing


def example_of(operation: Json) -> Json:
    """The example of a body."""
    example: Json = operation["requestBody"]["content"][contract.JSON]["example"]
    return example


def text(value: Any) -> str:
    """JSON to be read by people."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def groups(made: Json) -> Iterator[Json]:
    """Operations by group, each with what a reader asks: how it is called, what it takes, what it answers."""
    for tag in made["tags"]:
        rows = [
            _operation(path, method, one)
            for path, methods in made["paths"].items()
            for method, one in methods.items()
            if tag["name"] in one["tags"]
        ]
        if rows:
            yield {"name": tag["name"], "title": contract.words("groups")[tag["name"]].title, "rows": rows} | tag


def _operation(path: str, method: str, one: Json) -> Json:
    body = one.get("requestBody", {}).get("content", {})
    return {
        "id": one["operationId"],
        "method": method.upper(),
        "path": path,
        "title": one["summary"],
        "text": one["description"],
        "scopes": [scope for needed in one["security"] for scope in needed["client"]],
        "deprecated": contract.deprecation(one["operationId"]),
        "parameters": [row | {"kind": _kind(row["schema"])} for row in one.get("parameters", [])],
        "body": [_media(kind, media) for kind, media in body.items()],
        "answers": [_answer(status, answer) for status, answer in one["responses"].items()],
    }


def _answer(status: str, answer: Json) -> Json:
    content = answer.get("content", {})
    return {
        "status": status,
        "text": answer["description"],
        "media": [_media(kind, media) for kind, media in content.items() if not kind.startswith("application/problem")],
        "codes": [code for media in content.values() for code in media.get("examples", {})],
    }


def _media(kind: str, media: Json) -> Json:
    example = text(media["example"]) if "example" in media else ""
    return {"type": kind, "shape": _kind(media["schema"]), "example": example}


def shapes_of(made: Json) -> Iterator[Json]:
    """The schemas with their members."""
    for name, schema in made["components"]["schemas"].items():
        required = schema.get("required", [])
        yield {
            "name": name,
            "text": schema.get("description", ""),
            "values": schema.get("enum", []),
            "members": [
                {"name": member, "kind": _kind(inner), "required": member in required}
                for member, inner in schema.get("properties", {}).items()
            ],
        }


def _kind(schema: Json) -> list[tuple[str, str]]:
    """A schema in few words: pairs of a text and the schema it leads to, if it is one of ours."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [(name, name)]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            found = [part for one in schema[several] for part in [*_kind(one), (" | ", "")]]
            return found[:-1]
    if schema.get("type") == "array":
        return [("[", ""), *_kind(schema.get("items", {})), ("]", "")]
    if "enum" in schema:
        return [(" | ".join(f"“{value}”" for value in schema["enum"]), "")]
    words = schema.get("format") or schema.get("contentEncoding") or schema.get("type", "—")
    return [(str(words), "")]
