"""What is the same for everybody: municipalities, the catalogues of messages and errors, the hub's own codes."""

from django.db.models import Choices
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from hub import catalogue
from hub.api import contract, shapes
from hub.api.contract import Answer, Operation, Parameter, operation
from hub.api.doors import PublicDoor, as_day, known
from hub.deliveries.states import Answer as Receipt
from hub.deliveries.states import State
from hub.relocations import tables
from hub.relocations.models import RelocationState
from municipalities import models as municipalities

CHOICES: dict[str, type[Choices]] = {
    "delivery_state": State,
    "receipt_kind": Receipt,
    "relocation_state": RelocationState,
}
TAGGED = (Parameter("If-None-Match", {"type": "string"}, "header"),)


class Municipalities(PublicDoor):
    """``GET /api/v1/municipalities``: dated codes; no token needed, they are public."""

    @operation(
        Operation(
            id="listMunicipalities",
            parameters=(
                Parameter("on", {"anyOf": [contract.DAY, {"type": "string", "enum": ["all"]}]}, example="2026-04-01"),
                *TAGGED,
            ),
            answers={200: Answer(contract.json(shapes.Municipalities), headers=("ETag",)), 304: Answer()},
            errors=("E110",),
        )
    )
    def get(self, request: Request) -> Response:
        """List those valid on ``on`` (today when absent), or every row with ``on=all``."""
        known(request, "on")
        rows = municipalities.Municipality.objects.order_by("code")
        on = request.query_params.get("on", "")
        if on != "all":
            rows = rows.valid_on(as_day(on, "on", timezone.localdate()))
        return Response({"municipalities": list(rows.values(*shapes.Municipality.__struct_fields__))})


class Errors(PublicDoor):
    """``GET /api/v1/errors``: the error catalogue."""

    @operation(
        Operation(
            id="listErrors",
            parameters=TAGGED,
            answers={200: Answer(contract.json(shapes.Entries), headers=("ETag",)), 304: Answer()},
        )
    )
    def get(self, request: Request) -> Response:
        """List every code with what is wrong, who acts and what to do."""
        known(request)
        names = shapes.Entry.__struct_fields__
        rows = catalogue.entries().values()
        return Response(
            shapes.Entries(errors=tuple(shapes.Entry(**{n: getattr(row, n) for n in names}) for row in rows))
        )


class Messages(PublicDoor):
    """``GET /api/v1/messages``: the message catalogue."""

    @operation(
        Operation(
            id="listMessages",
            parameters=TAGGED,
            answers={200: Answer(contract.json(shapes.Messages), headers=("ETag",)), 304: Answer()},
        )
    )
    def get(self, request: Request) -> Response:
        """List every type with sender, recipient and the outcomes that a report of it may have."""
        known(request)
        rows = tuple(
            shapes.Message(
                no=row.no,
                type=row.type,
                sender=row.sender,
                recipient=row.recipient,
                purpose=row.purpose,
                outcomes=tuple(sorted(tables.outcomes(row.type) - {""})),
            )
            for row in tables.messages()
        )
        return Response(shapes.Messages(messages=rows))


class Codes(PublicDoor):
    """``GET /api/v1/codes``: the hub's own code tables; those of a layout stand with the record standard."""

    @operation(
        Operation(
            id="listCodes",
            parameters=TAGGED,
            answers={200: Answer(contract.json(shapes.Codes), headers=("ETag",)), 304: Answer()},
        )
    )
    def get(self, request: Request) -> Response:
        """List every table with its values and what they are called."""
        known(request)
        named = {name: {value: row.text for value, row in rows.items()} for name, rows in contract.codes().items()}
        named |= {name: {value: str(label) for value, label in kind.choices} for name, kind in CHOICES.items()}
        return Response(shapes.Codes(tables=named))
