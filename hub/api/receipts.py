"""What towns answer and report: receipts about deliveries, reports about relocations; in JSON or their layout."""

from typing import Any
from uuid import UUID

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hub import records
from hub.api import contract, problems, shapes
from hub.api.contract import Answer, Operation, Parameter, operation
from hub.api.deliveries import LAYOUT
from hub.api.doors import Door, body_of, is_json, known, media, one_by_one
from hub.api.renderers import LayoutParser, RecordParser
from hub.catalogue import Refusal, refuse
from hub.deliveries import returning
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery, Return
from hub.deliveries.returning import UnclearError
from hub.relocations import reports, returns, tables
from hub.relocations.reported import OWN_SCOPES, ReportBody

RECEIPT = msgspec.json.Decoder(deliveries.ReceiptBody)
RECEIPTS = msgspec.json.Decoder(shapes.RawReceipts)
ITEM = msgspec.json.Decoder(shapes.ReceiptItem)
REPORT = msgspec.json.Decoder(ReportBody)
#: What a file in the own layout may be refused with besides.
IN_LAYOUT = ("E103", "E130", "E131", "E132", "E134", "E140")


class Receipts(Door):
    """``POST /api/v1/deliveries/{id}/receipts``: the technical answer to a delivery."""

    required_scope = "deliveries"
    parser_classes = (RecordParser, LayoutParser)

    @operation(
        Operation(
            id="postReceipt",
            parameters=(contract.path("delivery_id"),),
            body=contract.json(deliveries.ReceiptBody) | LAYOUT,
            answers={
                200: Answer(contract.json((shapes.Receipt, shapes.LayoutReceipts))),
                201: Answer(contract.json((shapes.Receipt, shapes.LayoutReceipts))),
                202: Answer(contract.json(shapes.Held)),
            },
            errors=("E108", "E200", *IN_LAYOUT),
        )
    )
    def post(self, request: Request, delivery_id: UUID) -> Response:
        """Take a receipt; the same kind again is the same receipt (200 instead of 201).

        JSON is the hub's own receipt; any other content is a file of receipts in the town's layout.
        """
        known(request)
        if not is_json(request):
            return self._in_layout(request, delivery_id)
        body = records.decode(RECEIPT, body_of(request))

        def work() -> tuple[Delivery, bool]:
            delivery = deliveries.locked(delivery_id, self.town)
            _, new = deliveries.receive(delivery, body)
            return delivery, new

        delivery, new = self.as_client(work)
        answer = shapes.Receipt(delivery=delivery.pk, kind=body.kind, state=delivery.state, duplicate=not new)
        return Response(answer, status=201 if new else 200)

    def _in_layout(self, request: Request, delivery_id: UUID) -> Response:
        content = body_of(request)

        def work() -> Response:
            delivery = deliveries.locked(delivery_id, self.town)
            check_content_type(request, delivery)
            try:
                taken = returning.receive_answers(delivery, content)
            except UnclearError as unclear:
                return held(returning.hold(delivery, content, unclear))
            receipts = tuple(shapes.LayoutReceipt(kind=receipt.kind, duplicate=not new) for receipt, new in taken)
            answer = shapes.LayoutReceipts(delivery=delivery.pk, state=delivery.state, receipts=receipts)
            return Response(answer, status=201 if any(new for _, new in taken) else 200)

        return self.as_client(work)


class ManyReceipts(Door):
    """``POST /api/v1/deliveries/receipts``: up to 500 receipts at once."""

    required_scope = "deliveries"

    @operation(
        Operation(
            id="postReceipts",
            body=contract.json(shapes.ReceiptItems),
            answers={200: Answer(contract.json(shapes.ReceiptResults))},
        )
    )
    def post(self, request: Request) -> Response:
        """Take each as if it came alone; one that is refused takes nothing from the others."""
        known(request)
        raw = records.decode(RECEIPTS, body_of(request)).receipts
        read = [_item(one, place) for place, one in enumerate(raw)]

        def work() -> dict[int, shapes.ReceiptResult]:
            # Locked in one order, so that two workers cannot deadlock; those about one delivery as they came.
            order = sorted((item.delivery, place) for place, item in enumerate(read) if not isinstance(item, Refusal))
            results = one_by_one([place for _, place in order], lambda place: self._one(read[place]))
            return {
                place: shapes.ReceiptResult(delivery=pk, **problems.as_member(result))
                for (pk, place), result in zip(order, results, strict=True)
            }

        found = self.as_client(work)
        for place, item in enumerate(read):
            if isinstance(item, Refusal):
                refused = problems.as_member({"status": item.lead.entry.status, "problem": item})
                found[place] = shapes.ReceiptResult(delivery=None, **refused)
        return Response(shapes.ReceiptResults(results=tuple(found[place] for place in range(len(read)))))

    def _one(self, item: Any) -> dict[str, Any]:
        delivery = deliveries.locked(item.delivery, self.town)
        members = {name: getattr(item, name) for name in deliveries.ReceiptBody.__struct_fields__}
        _, new = deliveries.receive(delivery, deliveries.ReceiptBody(**members))
        return {"status": 201 if new else 200, "kind": item.kind, "state": delivery.state, "duplicate": not new}


def _item(raw: msgspec.Raw, place: int) -> shapes.ReceiptItem | Refusal:
    """Read one receipt of several; what is wrong with it, it says of itself."""
    try:
        return records.decode(ITEM, bytes(raw))
    except Refusal as refusal:
        lead = refusal.lead
        return refuse(lead.code, f"/receipts/{place}{lead.pointer}", lead.detail)


def check_content_type(request: Request, delivery: Delivery) -> None:
    """Refuse with E103 what is announced as something else than the layout of the delivery."""
    given, own = (media(text) for text in (request.content_type, deliveries.layout_of(delivery).content_type))
    if given[0] != own[0] or given[1] not in ("", own[1]):
        raise refuse("E103", detail=f"The layout of this delivery is {own[0]}; charset={own[1]}.")


def held(row: Return) -> Response:
    """Answer for what waits for a person: it was kept, nothing was decided by it yet (202)."""
    answer = shapes.Held(id=row.pk, accepted=False, held=True, code=row.code, item=row.item, characters=row.points)
    return Response(answer, status=202)


def _header(name: str, schema: dict[str, Any]) -> Parameter:
    return Parameter(name, schema, "header")


class Reports(Door):
    """``POST /api/v1/reports``: what the municipality tells the hub."""

    required_scope = "reports"
    in_one = False
    parser_classes = (RecordParser, LayoutParser)

    @operation(
        Operation(
            id="postReport",
            parameters=(
                _header("Hikkoshi-Report-Id", contract.ID),
                _header("Hikkoshi-Report-Type", {"type": "string", "enum": sorted(tables.reports())}),
                _header("Hikkoshi-Report-Outcome", {"type": "string", "maxLength": 20}),
                _header("Hikkoshi-Report-Visited-On", {"type": "string", "format": "date"}),
                _header("Hikkoshi-Delivery", contract.ID),
            ),
            body=contract.json(ReportBody) | LAYOUT,
            answers={
                200: Answer(contract.json(shapes.Taken)),
                201: Answer(contract.json(shapes.Taken)),
                202: Answer(contract.json(shapes.Held)),
            },
            errors=("E102", "E108", "E110", "E200", "E201", "E202", "E301", "E308", *IN_LAYOUT),
        )
    )
    def post(self, request: Request) -> Response:
        """Take a report, idempotent by its id.

        With ``Hikkoshi-Report-Type`` the body is a record in the town's own layout, and the headers say the rest.
        """
        known(request)
        if "Hikkoshi-Report-Type" in request.headers:
            return self._in_layout(request)
        if media(request.content_type)[0] != "application/json":
            raise refuse(
                "E103", detail="A record in a layout needs the headers Hikkoshi-Report-Type, -Id and -Delivery."
            )
        body = records.decode(REPORT, body_of(request))
        self._check_scope(request, body.type)
        _, new = reports.receive(body, self.town)
        return Response(shapes.Taken(id=body.id, accepted=True, duplicate=not new), status=201 if new else 200)

    def _in_layout(self, request: Request) -> Response:
        envelope, content = _envelope(request), body_of(request)
        self._check_scope(request, envelope.type)

        def work() -> Response:
            check_content_type(request, deliveries.one(envelope.delivery, self.town))
            taken = returns.receive(envelope, content, self.town)
            if isinstance(taken, Return):
                return held(taken)
            report, new = taken
            return Response(shapes.Taken(id=report.pk, accepted=True, duplicate=not new), status=201 if new else 200)

        return self.as_client(work)

    def _check_scope(self, request: Request, type_: str) -> None:
        """Refuse with E107 a report that needs a scope of its own, which this client was not given."""
        token: Any = request.auth
        if type_ in OWN_SCOPES and not token.allow_scopes([OWN_SCOPES[type_]]):
            self.permission_denied(request)


def _envelope(request: Request) -> returns.Envelope:
    """What the headers say of a record; E110 for one that is missing or wrong."""
    names = {"id": "Hikkoshi-Report-Id", "type": "Hikkoshi-Report-Type", "outcome": "Hikkoshi-Report-Outcome"}
    names |= {"visited_on": "Hikkoshi-Report-Visited-On", "delivery": "Hikkoshi-Delivery"}
    found = {member: request.headers[name] for member, name in names.items() if name in request.headers}
    try:
        return msgspec.convert(found, returns.Envelope)
    except msgspec.ValidationError:
        text = f"Headers: {', '.join(names.values())}; ids are UUIDs, a day is YYYY-MM-DD."
        raise refuse("E110", "", text) from None
