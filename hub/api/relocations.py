"""What partner fronts do for citizens: file with their consent, ask, take back."""

from dataclasses import replace
from uuid import UUID

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from hub import records
from hub.actors import HUB, acting
from hub.api import contract, shapes
from hub.api.contract import Answer, Operation, Parameter, operation
from hub.api.doors import Door, body_of, conditional, known
from hub.api.models import Consent
from hub.api.throttling import ClientThrottle, IntakeThrottle
from hub.catalogue import Refusal, entries, refuse
from hub.procedures.conditions import HOUSEHOLD
from hub.relocations import changing, frozen, services, status
from hub.relocations.filing import Filing
from hub.relocations.models import Relocation

GIVEN = msgspec.json.Decoder(shapes.GivenAnswers)
FILED = msgspec.json.Decoder(shapes.FiledByFront)
#: Every code by which a filing may be refused.
IN_FILING = tuple(code for code in entries() if code in {"E101", "E120", "E121", "E140"} or code.startswith("E3"))
KEY = Parameter("Idempotency-Key", {"type": "string", "maxLength": 200}, "header", example="front-2026-000123")


class Relocations(Door):
    """``POST /api/v1/relocations``: a partner front files for a citizen who agreed."""

    required_scope = "relocations:file"
    for_towns = False
    in_one = False
    throttle_classes = (ClientThrottle, IntakeThrottle)

    @operation(
        Operation(
            id="fileRelocation",
            parameters=(KEY,),
            body=contract.json(shapes.FiledByFront),
            answers={
                200: Answer(contract.json(shapes.Filed), headers=("Location",)),
                201: Answer(contract.json(shapes.Filed), headers=("Location",)),
            },
            errors=("E110", "E202", *IN_FILING),
            links={
                "getRelocation": {"relocation_id": "$response.body#/id"},
                "amendRelocation": {"relocation_id": "$response.body#/id"},
                "answerQuestions": {"relocation_id": "$response.body#/id"},
                "withdrawRelocation": {"relocation_id": "$response.body#/id"},
            },
        )
    )
    def post(self, request: Request) -> Response:
        """Take a filing in; with an ``Idempotency-Key`` a repetition gives the same relocation (200).

        A former address, a last municipality of registration and a domicile of record may be named by a code of the
        past in whose place one municipality stands alone; the record keeps it.
        """
        known(request)
        key = request.headers.get("Idempotency-Key", "").strip('"')
        if len(key) > 200 or not key.isprintable():
            raise refuse("E110", "", "Idempotency-Key: at most 200 printable characters.")
        filing, agreement = _read(body_of(request))
        with acting(HUB):
            relocation, new = services.file(filing, self.actor, key)
            if new:
                Consent.keep(relocation, agreement)
        response = Response(_filed(relocation if new else status.as_it_stands(relocation)), status=201 if new else 200)
        response["Location"] = f"/api/v1/relocations/{relocation.pk}"
        return response


def _read(body: bytes) -> tuple[Filing, shapes.Agreement]:
    """Return the filing and the citizen's consent; E310 without one."""
    sent = records.decode(FILED, body)
    if sent.consent is None:
        raise refuse("E310", "/consent", "Say when, how and to which wording the citizen agreed.")
    return Filing(**{name: getattr(sent, name) for name in Filing.__struct_fields__}), sent.consent


def _filed(relocation: Relocation) -> shapes.Filed:
    return shapes.Filed(
        id=relocation.pk,
        receipt_no=relocation.receipt_no,
        state=relocation.state,
        filed_on=relocation.filed_on,
        version=relocation.version,
    )


class RelocationStatus(Door):
    """``GET /api/v1/relocations/{id}``: where a filing stands with each town."""

    required_scope = "relocations:file"
    for_towns = False

    @operation(
        Operation(
            id="getRelocation",
            parameters=(contract.path("relocation_id"), Parameter("If-None-Match", {"type": "string"}, "header")),
            answers={200: Answer(contract.json(shapes.Status), headers=("ETag",)), 304: Answer()},
            errors=("E108",),
        )
    )
    def get(self, request: Request, relocation_id: UUID) -> HttpResponse:
        """Return states per leg and mover; only the front that filed sees it."""
        known(request)
        document = self.as_client(lambda: status.document(relocation_id))
        return conditional(request, HttpResponse(msgspec.json.encode(document), content_type=contract.JSON))


class Amendments(Door):
    """``POST /api/v1/relocations/{id}/amendments``: a new version, until the origin has decided."""

    required_scope = "relocations:file"
    for_towns = False

    @operation(
        Operation(
            id="amendRelocation",
            parameters=(contract.path("relocation_id"),),
            body=contract.json(shapes.FiledByFront),
            answers={200: Answer(contract.json(shapes.Filed))},
            errors=("E108", "E200", *IN_FILING),
        )
    )
    def post(self, request: Request, relocation_id: UUID) -> Response:
        """Put the whole new version in the place of what was filed, with the citizen's consent to it.

        Kind, town that is left and the movers' numbers stay; somebody who joins comes last.
        """
        known(request)
        filing, agreement = _read(body_of(request))
        relocation = changing.amend(relocation_id, filing, self.actor)
        with acting(HUB):
            if relocation.frozen_at is None:
                Consent.keep(relocation, agreement)
            else:  # with the version, which only looks as if it counted
                frozen.keep(relocation, "front.agreed", [], relocation.agreement, Consent.sealable(agreement))
        return Response(_filed(relocation))


class ProcedureAnswers(Door):
    """``POST /api/v1/relocations/{id}/answers``: what the citizen answered about the follow-on procedures."""

    required_scope = "relocations:file"
    for_towns = False

    @operation(
        Operation(
            id="answerQuestions",
            parameters=(contract.path("relocation_id"),),
            body=contract.json(shapes.GivenAnswers),
            answers={200: Answer(contract.json(shapes.Answered))},
            errors=("E104", "E108"),
        )
    )
    def post(self, request: Request, relocation_id: UUID) -> HttpResponse:
        """Keep the answers and say what they lead to; repeating it changes nothing."""
        known(request)
        sent = records.decode(GIVEN, body_of(request)).answers
        given = {(one.mover or HOUSEHOLD, one.question): one.answer for one in sent}
        try:
            changed = changing.answer(relocation_id, self.actor, given)
        except Refusal as refusal:
            raise _pointed(refusal, sent) from None
        procedures = self.as_client(lambda: status.document(relocation_id))["procedures"]
        body = msgspec.json.encode({"changed": changed, "procedures": procedures})
        return HttpResponse(body, content_type=contract.JSON)


def _pointed(refusal: Refusal, sent: tuple[shapes.Given, ...]) -> Refusal:
    """Point to the answer as it was sent, not as it is kept."""
    places = {
        f"/answers/{one.mover or HOUSEHOLD}/{one.question}": f"/answers/{index}" for index, one in enumerate(sent)
    }
    return Refusal(*(replace(one, pointer=places.get(one.pointer, one.pointer)) for one in refusal.problems))


class Withdrawal(Door):
    """``POST /api/v1/relocations/{id}/withdrawal``: take a filing back; once decided, ask to cancel it."""

    required_scope = "relocations:file"
    for_towns = False

    @operation(
        Operation(
            id="withdrawRelocation",
            parameters=(contract.path("relocation_id"),),
            answers={200: Answer(contract.json(shapes.Filed))},
            errors=("E108",),
        )
    )
    def post(self, request: Request, relocation_id: UUID) -> Response:
        """Withdraw; repeating it changes nothing."""
        known(request)
        relocation = changing.withdraw(relocation_id, self.actor)
        return Response(_filed(status.as_it_stands(relocation)))
