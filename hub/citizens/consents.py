"""Consents: the filer's list with a link to hand on, and the page behind the link for whoever is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from hub.actors import Actor
from hub.catalogue import Refusal
from hub.citizens.access import for_citizens
from hub.consents import services
from hub.consents.models import Answer, Request
from hub.relocations.filing import Filing

#: Colour of an answer.
TONES = {Answer.CONFIRMED: "done", Answer.REFUSED: "wrong", Answer.PENDING: "under-way"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One person who was asked, as the filer sees it."""

    id: UUID
    name: str
    answer: str
    tone: str
    waits: bool
    #: Can be taken out, so that the others go on.
    may_leave: bool


def of_filing(requests: list[Request], filing: Filing | None) -> list[Asked]:
    """Everyone who was asked for a filing."""
    names: Mapping[int, str] = {mover.ordinal: mover.full_name for mover in filing.movers} if filing else {}
    return [
        Asked(
            row.pk,
            _("Head of the household you join") if row.is_head else names.get(row.ordinal, ""),
            row.get_answer_display(),
            TONES[Answer(row.answer)],
            row.answer == Answer.PENDING,
            row.answer != Answer.CONFIRMED and not row.is_head and len(names) > 1,
        )
        for row in requests
    ]


@require_POST
@for_citizens
def link(request: HttpRequest, actor: Actor, receipt_no: str, pk: UUID) -> HttpResponse:
    """Make a link for one person and show it, once."""
    try:
        row, token = services.make_link(pk, actor)
    except Refusal:
        raise Http404 from None
    if row.relocation.receipt_no != receipt_no:
        raise Http404
    address = request.build_absolute_uri(reverse("citizens:consent", args=[token]))
    return render(request, "citizens/consent_link.html", {"address": address, "receipt_no": receipt_no})


@require_POST
@for_citizens
def take_out(request: HttpRequest, actor: Actor, receipt_no: str, pk: UUID) -> HttpResponse:
    """Take somebody who does not agree out of the filing; the others go on."""
    try:
        services.take_out(pk, actor)
    except Refusal:
        raise Http404 from None
    messages.success(request, _("This person was taken out of the filing."))
    return redirect("citizens:status", receipt_no)


@require_http_methods(["GET", "HEAD", "POST"])
@for_citizens
def answer(request: HttpRequest, actor: Actor, token: str) -> HttpResponse:
    """Show the filing in outline and take the answer; every link that leads nowhere looks the same."""
    try:
        if request.method != "POST":
            return render(request, "citizens/consent.html", {"outline": services.outline(token, actor)})
        agrees = {"agree": True, "refuse": False}.get(request.POST.get("go", ""))
        if agrees is None:
            return redirect("citizens:consent", token)
        services.answer(token, actor, agrees=agrees)
    except Refusal:
        raise Http404 from None
    messages.success(request, _("Your answer was taken in. You can close this page."))
    return redirect("citizens:home")
