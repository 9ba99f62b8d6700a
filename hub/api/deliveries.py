"""What waits for a town: the list, the records one by one or many at a time, and what changed."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from hub import records
from hub.api import contract, problems, shapes
from hub.api.contract import Answer, Operation, Parameter, operation
from hub.api.doors import (
    Door,
    Position,
    accepts,
    body_of,
    conditional,
    cursor_of,
    known,
    number,
    one_by_one,
    position_of,
)
from hub.api.models import RelocationChange
from hub.audit import services as audit
from hub.catalogue import Refusal, refuse
from hub.deliveries import feed
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.relocations import status
from hub.relocations.models import Relocation
from municipalities.notice import Notice

#: Id, state and time of a change.
Row = tuple[UUID, str, datetime]
FETCH = msgspec.json.Decoder(shapes.Fetch)
BORROWED = msgspec.json.Decoder(shapes.Borrowed)
CURSOR = {"type": "string", "maxLength": 60}
#: What a town's own layout may be: any media type, any charset.
LAYOUT = {"*/*": {"type": "string", "format": "binary"}}
#: A layout of JSON is what its record standard says.
ANYTHING: dict[str, Any] = {}
IN_JSON = "application/json"


class Deliveries(Door):
    """``GET /api/v1/deliveries``: what waits to be fetched. No personal data in the list."""

    required_scope = "deliveries"

    @operation(
        Operation(
            id="listDeliveries",
            parameters=(
                Parameter("state", {"type": "string", "enum": ["ready"], "default": "ready"}, example="ready"),
                contract.limit(100, 500),
                Parameter("after", CURSOR),
            ),
            answers={200: Answer(contract.json(shapes.Page))},
            errors=("E110",),
            links={
                "getContent": {"delivery_id": "$response.body#/deliveries/0/id"},
                "postReceipt": {"delivery_id": "$response.body#/deliveries/0/id"},
            },
        )
    )
    def get(self, request: Request) -> Response:
        """List a page, in the order in which they became ready; one that was leased to a worker is not shown."""
        known(request, "state", "limit", "after")
        if request.query_params.get("state", "ready") != "ready":
            raise refuse("E110", "/state", "Only state=ready is listed.")
        limit, after = number(request), position_of(request, "after")
        horizon = feed.horizon()
        rows = self.as_client(lambda: deliveries.ready(self.town, after, limit))
        last = (rows[-1].changed_at, rows[-1].pk) if rows else after
        return Response(
            shapes.Page(
                deliveries=tuple(map(line, rows)),
                next=cursor_of(last) if last and len(rows) == limit else None,
                cursor=cursor_of(feed.kept(last, horizon)),
            )
        )


def line(row: Delivery) -> shapes.Line:
    """Say of a delivery what may stand in a list."""
    return shapes.Line(
        id=row.pk,
        type=row.type,
        state=row.state,
        sequence=row.sequence,
        created_at=row.created_at,
        standard=row.connection.standard,
        content_type=_content_type(row),
        records=max(1, len(row.ordinals)),
    )


def _content_type(row: Delivery) -> str | None:
    """What the content will be; unknown when its record standard is not there any more (the fetch says so)."""
    try:
        return deliveries.layout_of(row).content_type
    except Refusal:
        return None


class Leases(Door):
    """``POST /api/v1/deliveries/leases``: what waits, for one worker and a time."""

    required_scope = "deliveries"

    @operation(
        Operation(
            id="leaseDeliveries",
            body=contract.json(shapes.Borrowed),
            answers={200: Answer(contract.json(shapes.Lease))},
            errors=("E110",),
            links={
                "getContent": {"delivery_id": "$response.body#/deliveries/0/id"},
                "postReceipt": {"delivery_id": "$response.body#/deliveries/0/id"},
                "giveLeasesBack": {"worker": "$request.body#/worker"},
            },
        )
    )
    def post(self, request: Request) -> Response:
        """Lease; asking again as the same worker renews. A receipt ends the lease of its delivery."""
        known(request)
        body = records.decode(BORROWED, body_of(request))
        rows = self.as_client(lambda: deliveries.lease(self.town, body.worker, body.limit, body.seconds))
        until = rows[0].leased_until if rows else None
        return Response(shapes.Lease(deliveries=tuple(map(line, rows)), leased_until=until))


class OwnLeases(Door):
    """``DELETE /api/v1/deliveries/leases/{worker}``: a worker gives back what it has not answered."""

    required_scope = "deliveries"

    @operation(
        Operation(
            id="giveLeasesBack",
            parameters=(
                contract.path("worker", {"type": "string", "pattern": "^[A-Za-z0-9_.:@-]{1,64}$"}, "worker-1"),
            ),
            answers={200: Answer(contract.json(shapes.GivenBack))},
            errors=("E108",),
        )
    )
    def delete(self, request: Request, worker: str) -> Response:
        """End the worker's leases, so that others get the same at once."""
        known(request)
        if not deliveries.WORKER.fullmatch(worker):
            raise refuse("E108")
        return Response(shapes.GivenBack(returned=self.as_client(lambda: deliveries.give_back(self.town, worker))))


class Content(Door):
    """``GET /api/v1/deliveries/{id}/content``: the record, in the town's own layout or as canonical JSON."""

    required_scope = "deliveries"
    #: No HEAD: it would count as the fetch and bring nothing.
    http_method_names = ["get", "options"]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """Any Accept will do: the layout's own media type is not known before the delivery is."""
        return self.get_renderers()[0], IN_JSON

    @operation(
        Operation(
            id="getContent",
            parameters=(
                contract.path("delivery_id"),
                Parameter("If-None-Match", {"type": "string"}, "header"),
            ),
            answers={
                200: Answer(
                    {IN_JSON: (Notice, ANYTHING)} | LAYOUT,
                    headers=("ETag", "Repr-Digest", "Content-Disposition", "Hikkoshi-Notice-Type"),
                ),
                304: Answer(),
            },
            errors=("E108", "E130", "E131", "E132", "E133", "E134"),
            links={"postReceipt": {"delivery_id": "$request.path.delivery_id"}},
        )
    )
    def get(self, request: Request, delivery_id: UUID) -> HttpResponse:
        """Return the bytes; the fetch of a ready delivery makes it sent."""
        delivery, (written, notice) = self.as_client(lambda: self._fetch(delivery_id))
        layout = deliveries.layout_of(delivery)
        own = layout.content_type.partition(";")[0].lower()
        if canonical_is_wanted(request, own):
            response = HttpResponse(msgspec.json.encode(notice), content_type=IN_JSON)
        else:
            response = HttpResponse(written.content, content_type=layout.content_type)
            response["Repr-Digest"] = deliveries.content_digest(written.content)
            response["Content-Disposition"] = f'attachment; filename="{delivery.pk}.{layout.extension}"'
        response["Hikkoshi-Notice-Type"] = delivery.type
        return conditional(request, response)

    def _fetch(self, delivery_id: UUID) -> tuple[Delivery, Any]:
        delivery = deliveries.locked(delivery_id, self.town)
        fetched = deliveries.fetch(delivery)
        audit.record(deliveries.act("delivery.read", delivery))
        return delivery, fetched


def canonical_is_wanted(request: Request, own: str) -> bool:
    """Tell whether the canonical JSON is wanted: it was named, and nothing named is wanted more."""
    accepted = accepts(request)
    wanted = accepted.get(IN_JSON, 0.0)
    others = [weight for kind, weight in accepted.items() if kind not in (IN_JSON, "*/*", "application/*")]
    return wanted > 0 and (own == IN_JSON or wanted >= max(others, default=0.0))


class Contents(Door):
    """``POST /api/v1/deliveries/contents``: up to 500 records at once."""

    required_scope = "deliveries"

    @operation(
        Operation(
            id="getContents",
            body=contract.json(shapes.Fetch),
            answers={200: Answer(contract.json(shapes.Contents))},
        )
    )
    def post(self, request: Request) -> Response:
        """Return a result per id, in the order asked; as a single fetch, each makes its delivery sent."""
        known(request)
        asked = records.decode(FETCH, body_of(request))

        def work() -> dict[UUID, shapes.Content]:
            ids = sorted(set(asked.ids))  # locked in one order, so that two workers cannot deadlock
            results = one_by_one(ids, lambda pk: self._one(pk, canonical=asked.canonical))
            return {pk: _content(pk, result) for pk, result in zip(ids, results, strict=True)}

        found = self.as_client(work)
        return Response(shapes.Contents(results=tuple(found[pk] for pk in asked.ids)))

    def _one(self, delivery_id: UUID, *, canonical: bool) -> dict[str, Any]:
        delivery = deliveries.locked(delivery_id, self.town)
        written, notice = deliveries.fetch(delivery)
        audit.record(deliveries.act("delivery.read", delivery))
        found: dict[str, Any] = {"status": 200, "type": delivery.type}
        if canonical:
            return found | {"content_type": IN_JSON, "notice": notice}
        digest = deliveries.content_digest(written.content)
        content_type = deliveries.layout_of(delivery).content_type
        return found | {"content_type": content_type, "content": written.content, "digest": digest}


def _content(pk: UUID, result: dict[str, Any]) -> shapes.Content:
    return shapes.Content(id=pk, **problems.as_member(result))


class Changes(Door):
    """``GET /api/v1/changes``: ids of what changed for the caller since a cursor."""

    required_scope = ("deliveries", "relocations:file")
    for_towns = None

    @operation(
        Operation(
            id="listChanges",
            parameters=(Parameter("since", CURSOR), contract.limit(100, 500)),
            answers={200: Answer(contract.json(shapes.Changes))},
            errors=("E110",),
        )
    )
    def get(self, request: Request) -> Response:
        """List a page: a town's deliveries, a front's relocations; the cursor may be kept for as long as one likes."""
        known(request, "since", "limit")
        limit, since = number(request), position_of(request, "since")
        horizon = feed.horizon()
        rows = self.as_client(lambda: list(self._changed(since)[:limit]))
        kind = "delivery" if self.town else "relocation"
        last = (rows[-1][2], rows[-1][0]) if rows else since
        return Response(
            shapes.Changes(
                changes=tuple(
                    shapes.Changed(kind=kind, id=pk, state=state, at=at) for pk, state, at in self._shown(rows)
                ),
                cursor=cursor_of(feed.kept(last, horizon)),
                more=len(rows) == limit,
            )
        )

    def _changed(self, since: Position | None) -> Any:
        """Id, state and time of what changed, oldest first; each thing once, as it is now."""
        if self.town:
            rows: Any = Delivery.objects.for_town(self.town)
            names = ("pk", "state", "changed_at")
        else:
            rows = RelocationChange.objects.filter(owner=self.actor.owner)
            names = ("pk", "relocation__state", "changed_at")
        return rows.filter(feed.after(since)).order_by("changed_at", "pk").values_list(*names)

    def _shown(self, rows: Iterable[Row]) -> Iterator[Row]:
        """What changed, with the state that its filer is shown; what cannot be said any more is left out."""
        found = {} if self.town else self.as_client(lambda: _frozen([pk for pk, *_ in rows]))
        for pk, state, at in rows:
            if shown := found.get(pk, state):
                yield pk, shown, at


def _frozen(keys: Iterable[UUID]) -> dict[UUID, str]:
    """States of those whose filer is shown nothing new, as they are shown; empty for what was shredded."""
    found: dict[UUID, str] = {}
    for row in Relocation.objects.filter(pk__in=keys, frozen_at__isnull=False):
        try:
            found[row.pk] = status.as_it_stands(row).state
        except Refusal:
            found[row.pk] = ""
    return found
