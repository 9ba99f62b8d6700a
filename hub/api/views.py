"""The API's doors. Each decodes, calls one service and answers; no rule lives here."""

from collections.abc import Callable
from datetime import date
from email.message import Message
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub import records
from hub.accounts.models import SystemClient
from hub.actors import Actor, acting
from hub.api.renderers import LayoutParser, RecordParser
from hub.audit import services as audit
from hub.catalogue import Refusal, refuse
from hub.deliveries import returning
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery, Return
from hub.deliveries.returning import UnclearError
from hub.relocations import filing as filings
from hub.relocations import reports, returns, services, status
from hub.relocations.models import Relocation
from municipalities.models import Municipality

PAGE = 100
MOST = 500
RECEIPT = msgspec.json.Decoder(deliveries.ReceiptBody)
REPORT = msgspec.json.Decoder(reports.ReportBody)
T = TypeVar("T")


class Door(APIView):
    """A view that runs in one transaction as the calling client; an error answer rolls it back."""

    required_scope = ""
    for_towns = True

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Open the transaction; who acts is known once the token has been read."""
        with transaction.atomic():
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
        response["Cache-Control"] = "no-store"
        return response

    def as_client(self, work: Callable[[], T]) -> T:
        """Run the work as the calling client."""
        with acting(self.actor):
            return work()

    @property
    def actor(self) -> Actor:
        """Who calls."""
        client = self.request.user
        assert isinstance(client, SystemClient)  # noqa: S101 - the authentication class puts it there
        return client.actor

    @property
    def town(self) -> str:
        """The municipality that calls."""
        return self.actor.municipality


def body_of(request: Request) -> bytes:
    """Return the raw body; an empty one is not JSON."""
    body = request.data
    return body if isinstance(body, bytes) else b""


class Deliveries(Door):
    """``GET /api/v1/deliveries``: what waits to be fetched. No personal data in the list."""

    required_scope = "deliveries"

    def get(self, request: Request) -> Response:
        """List a page, oldest first; ``next`` is the cursor of the following page or null."""
        if request.query_params.get("state", "ready") != "ready":
            raise refuse("E110", "/state", "Only state=ready is listed.")
        limit = _number(request, "limit", PAGE, MOST)
        after = _cursor(request)
        rows = self.as_client(lambda: deliveries.ready(self.town, after, limit))
        return Response(
            {
                "deliveries": [_line(row) for row in rows],
                "next": str(rows[-1].pk) if len(rows) == limit else None,
            }
        )


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= most):
        raise refuse("E110", f"/{name}", f"A number from 1 to {most}.")
    return int(text)


def _cursor(request: Request) -> UUID | None:
    text = request.query_params.get("after", "")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise refuse("E110", "/after", "Use the cursor that «next» gave.") from None


def _line(row: Delivery) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "type": row.type,
        "state": row.state,
        "sequence": row.sequence,
        "created_at": row.created_at,
        "standard": row.connection.standard,
        "content_type": _content_type(row),
        "records": max(1, len(row.ordinals)),
    }


def _content_type(row: Delivery) -> str | None:
    """What the content will be; unknown when its record standard is not there any more (the fetch says so)."""
    try:
        return deliveries.layout_of(row).content_type
    except Refusal:
        return None


class Content(Door):
    """``GET /api/v1/deliveries/{id}/content``: the record, in the town's own layout or as canonical JSON."""

    required_scope = "deliveries"
    #: No HEAD: it would count as the fetch and bring nothing.
    http_method_names = ["get", "options"]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """Any Accept will do: the layout's own media type is not known before the delivery is."""
        return self.get_renderers()[0], "application/json"

    def get(self, request: Request, delivery_id: UUID) -> HttpResponse:
        """Return the bytes; the fetch of a ready delivery makes it sent."""
        delivery, (written, notice) = self.as_client(lambda: self._fetch(delivery_id))
        layout = deliveries.layout_of(delivery)
        if request.headers.get("Accept", "").partition(";")[0].strip() == "application/json":
            return HttpResponse(msgspec.json.encode(notice), content_type="application/json")
        response = HttpResponse(written.content, content_type=layout.content_type)
        response["Repr-Digest"] = deliveries.content_digest(written.content)
        response["Content-Disposition"] = f'attachment; filename="{delivery.pk}.{layout.extension}"'
        response["Hikkoshi-Notice-Type"] = delivery.type
        return response

    def _fetch(self, delivery_id: UUID) -> tuple[Delivery, Any]:
        delivery = deliveries.locked(delivery_id, self.town)
        fetched = deliveries.fetch(delivery)
        audit.record(deliveries.act("delivery.read", delivery))
        return delivery, fetched


class Receipts(Door):
    """``POST /api/v1/deliveries/{id}/receipts``: the technical answer to a delivery."""

    required_scope = "deliveries"
    parser_classes = (RecordParser, LayoutParser)

    def post(self, request: Request, delivery_id: UUID) -> Response:
        """Take a receipt; the same kind again is the same receipt (200 instead of 201).

        JSON is the hub's own receipt; any other content is a file of receipts in the town's layout.
        """
        if not is_json(request):
            return self._in_layout(request, delivery_id)
        body = records.decode(RECEIPT, body_of(request))

        def work() -> tuple[Delivery, bool]:
            delivery = deliveries.locked(delivery_id, self.town)
            _, new = deliveries.receive(delivery, body)
            return delivery, new

        delivery, new = self.as_client(work)
        answer = {"delivery": str(delivery.pk), "kind": body.kind, "state": delivery.state, "duplicate": not new}
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
            receipts = [{"kind": receipt.kind, "duplicate": not new} for receipt, new in taken]
            answer = {"delivery": str(delivery.pk), "state": delivery.state, "receipts": receipts}
            return Response(answer, status=201 if any(new for _, new in taken) else 200)

        return self.as_client(work)


def check_content_type(request: Request, delivery: Delivery) -> None:
    """Refuse with E103 what is announced as something else than the layout of the delivery."""
    given, own = (_media(text) for text in (request.content_type, deliveries.layout_of(delivery).content_type))
    if given[0] != own[0] or given[1] not in ("", own[1]):
        raise refuse("E103", detail=f"The layout of this delivery is {own[0]}; charset={own[1]}.")


def is_json(request: Request) -> bool:
    """Tell whether the body is announced as JSON, the hub's own form, or as nothing."""
    return not request.content_type or _media(request.content_type)[0] == "application/json"


def _media(text: str) -> tuple[str, str]:
    """The media type and its charset, in small letters."""
    message = Message()
    message["content-type"] = text
    return message.get_content_type(), str(message.get_param("charset", "")).lower()


def held(row: Return) -> Response:
    """Answer for what waits for a person: it was kept, nothing was decided by it yet (202)."""
    answer = {"id": str(row.pk), "accepted": False, "held": True, "code": row.code, "item": row.item}
    return Response(answer | {"characters": row.points}, status=202)


class Reports(Door):
    """``POST /api/v1/reports``: what the municipality tells the hub."""

    required_scope = "reports"
    parser_classes = (RecordParser, LayoutParser)

    def post(self, request: Request) -> Response:
        """Take a report, idempotent by its id.

        With ``Hikkoshi-Report-Type`` the body is a record in the town's own layout, and the headers say the rest.
        """
        if "Hikkoshi-Report-Type" in request.headers:
            return self._in_layout(request)
        if request.content_type.partition(";")[0].strip().lower() != "application/json":
            raise refuse(
                "E103", detail="A record in a layout needs the headers Hikkoshi-Report-Type, -Id and -Delivery."
            )
        body = records.decode(REPORT, body_of(request))
        _, new = self.as_client(lambda: reports.receive(body, self.town))
        return Response({"id": str(body.id), "accepted": True, "duplicate": not new}, status=201 if new else 200)

    def _in_layout(self, request: Request) -> Response:
        envelope, content = _envelope(request), body_of(request)

        def work() -> Response:
            check_content_type(request, deliveries.one(envelope.delivery, self.town))
            taken = returns.receive(envelope, content, self.town)
            if isinstance(taken, Return):
                return held(taken)
            report, new = taken
            answer = {"id": str(report.pk), "accepted": True, "duplicate": not new}
            return Response(answer, status=201 if new else 200)

        return self.as_client(work)


def _envelope(request: Request) -> returns.Envelope:
    """What the headers say of a record; E110 for one that is missing or wrong."""
    names = {"id": "Hikkoshi-Report-Id", "type": "Hikkoshi-Report-Type", "outcome": "Hikkoshi-Report-Outcome"}
    names["delivery"] = "Hikkoshi-Delivery"
    found = {member: request.headers[name] for member, name in names.items() if name in request.headers}
    try:
        return msgspec.convert(found, returns.Envelope)
    except msgspec.ValidationError:
        raise refuse("E110", "", f"Needed headers: {', '.join(names.values())}; ids are UUIDs.") from None


class Relocations(Door):
    """``POST /api/v1/relocations``: a partner front files for a citizen who agreed."""

    required_scope = "relocations:file"
    for_towns = False

    def post(self, request: Request) -> Response:
        """Take a filing in; with an ``Idempotency-Key`` a repetition gives the same relocation (200)."""
        key = request.headers.get("Idempotency-Key", "").strip('"')
        if len(key) > 200 or not key.isprintable():
            raise refuse("E110", "", "Idempotency-Key: at most 200 printable characters.")
        filing = filings.decode(body_of(request))
        relocation, new = services.file(filing, self.actor, key)
        response = Response({"id": str(relocation.pk), **_summary(relocation)}, status=201 if new else 200)
        response["Location"] = f"/api/v1/relocations/{relocation.pk}"
        return response


def _summary(relocation: Relocation) -> dict[str, Any]:
    return {
        "receipt_no": relocation.receipt_no,
        "state": relocation.state,
        "filed_on": relocation.filed_on,
        "version": relocation.version,
    }


class RelocationStatus(Door):
    """``GET /api/v1/relocations/{id}``: where a filing stands with each town."""

    required_scope = "relocations:file"
    for_towns = False

    def get(self, request: Request, relocation_id: UUID) -> Response:
        """Return states per leg and mover; only the front that filed sees it."""
        return Response(self.as_client(lambda: status.document(relocation_id)))


class Withdrawal(Door):
    """``POST /api/v1/relocations/{id}/withdrawal``: take a filing back before the origin has decided."""

    required_scope = "relocations:file"
    for_towns = False

    def post(self, request: Request, relocation_id: UUID) -> Response:
        """Withdraw; repeating it changes nothing."""
        return Response(_summary(services.withdraw(relocation_id, self.actor)))


class Municipalities(Door):
    """``GET /api/v1/municipalities``: dated codes; no token needed, they are public."""

    authentication_classes: tuple[Any, ...] = ()
    permission_classes: tuple[Any, ...] = ()

    def get(self, request: Request) -> Response:
        """List those valid on ``on`` (today when absent), or every row with ``on=all``."""
        rows = Municipality.objects.order_by("code")
        on = request.query_params.get("on", "")
        if on != "all":
            try:
                day = date.fromisoformat(on) if on else timezone.localdate()
            except ValueError:
                raise refuse("E110", "/on", "A date as YYYY-MM-DD, or «all».") from None
            rows = rows.valid_on(day)
        names = ("code", "kind", "prefecture", "name", "kana", "parent_code", "valid_from", "valid_to")
        return Response({"municipalities": list(rows.values(*names))})


class Nothing(Door):
    """Whatever else is asked under the API's address."""

    authentication_classes: tuple[Any, ...] = ()
    permission_classes: tuple[Any, ...] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Answer as for anything that this client cannot see."""
        raise refuse("E108")
