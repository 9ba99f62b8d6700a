"""The record standards for everybody: the list, and each as JSON, CSV, Table Schema, JSON Schema or a page to print."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from django.templatetags.static import static
from django.utils.translation import get_language
from rest_framework.request import Request

from hub.api import contract, shapes
from hub.api.contract import Answer, Operation, Parameter, operation
from hub.api.doors import PublicDoor, known
from hub.catalogue import refuse
from municipalities import standard
from municipalities.exports.description import description, summary
from municipalities.exports.kinds import EXPORTS, as_json, forms
from municipalities.exports.page import page
from municipalities.standard import Standard
from municipalities.standard.sources import near

#: Without «as», what a reader that asks for this media type gets; everybody else gets JSON.
BY_ACCEPT = {"text/html": "page", "text/csv": "csv"}
TAG = Parameter("If-None-Match", {"type": "string"}, "header")
#: A form is what its own schema language says.
FORM: dict[str, Any] = {}


class Standards(PublicDoor):
    """``GET /api/v1/standards``: every record standard, with the addresses of its forms."""

    @operation(
        Operation(
            id="listStandards",
            parameters=(TAG,),
            answers={200: Answer(contract.json(shapes.Standards), headers=("ETag",)), 304: Answer()},
            links={"getStandard": {"name": "$response.body#/standards/0/name"}},
        )
    )
    def get(self, request: Request) -> HttpResponse:
        """List them by name."""
        known(request)
        layouts = (standard.load(name) for name in standard.names())
        rows = [summary(layout) | {"links": links(layout)} for layout in layouts]
        return HttpResponse(as_json({"standards": rows}), content_type="application/json")


class OneStandard(PublicDoor):
    """``GET /api/v1/standards/{name}``: ``?as=json|csv|table-schema|json-schema|page``.

    Without «as» a browser (``Accept: text/html``) gets the page and ``Accept: text/csv`` the items; else JSON.
    """

    @operation(
        Operation(
            id="getStandard",
            parameters=(
                contract.path("name", {"type": "string"}, "gif_json"),
                Parameter("as", {"type": "string", "enum": list(EXPORTS)}, example="json-schema"),
                TAG,
            ),
            answers={
                200: Answer({export.media_type: FORM for export in EXPORTS.values()}, headers=("ETag",)),
                304: Answer(),
            },
            errors=("E108", "E110"),
        )
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """Answer with one form; E108 with names like it when there is no such standard."""
        known(request, "as")
        if name not in standard.names():
            raise refuse("E108", "/name", near(name, iter(standard.names())))
        layout = standard.load(name)
        form = asked(request, layout)
        response = HttpResponse(
            made(name, form, get_language() or ""), content_type=f"{EXPORTS[form].media_type}; charset=utf-8"
        )
        if form == "csv":
            response["Content-Disposition"] = f'attachment; filename="{layout.name}.csv"'
        return response


def asked(request: Request, layout: Standard) -> str:
    """The form that is wanted, if the layout has it."""
    accepted = request.headers.get("Accept", "").partition(",")[0].partition(";")[0].strip()
    form: str = request.query_params.get("as") or BY_ACCEPT.get(accepted, "json")
    if form not in forms(layout):
        raise refuse("E110", "/as", f"One of {', '.join(forms(layout))}.")
    return form


@lru_cache(maxsize=512)
def made(name: str, form: str, _language: str) -> str:
    """The form's text; JSON with links, the page with its style in a file of its own, as the policy wants it."""
    layout = standard.load(name)
    if form == "page":
        return page(layout, style=static("municipalities/standard.css"))
    if form == "json":
        return as_json(description(layout) | {"links": links(layout)})
    return EXPORTS[form].make(layout)


def links(layout: Standard) -> Mapping[str, str]:
    """The addresses of its forms."""
    return {form: f"/api/v1/standards/{layout.name}?as={form}" for form in forms(layout)}
