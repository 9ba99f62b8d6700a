"""The desk's page on which a clerk says that the card was presented after the visit (message 23, CARD_PRESENTED)."""

from contextlib import suppress
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.actors import HUB, acting
from hub.catalogue import Refusal
from hub.relocations import facts, reports
from hub.relocations.models import DeadlineState, Relocation
from hub.relocations.reported import ReportBody
from hub.relocations.visits import APPEARED, CARD, PRESENTED, shown_on
from hub.vault import services as vault
from hub.vault.services import ShreddedError


class CardForm(forms.Form):
    """Whose card, and on which day; who the movers are, only notices say."""

    movers = forms.MultipleChoiceField(label=_("movers"), widget=forms.CheckboxSelectMultiple)
    presented_on = forms.DateField(label=_("presented on"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, ordinals: list[int], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        movers = self.fields["movers"]
        assert isinstance(movers, forms.MultipleChoiceField)  # noqa: S101 - declared above
        movers.choices = [(str(ordinal), str(ordinal)) for ordinal in ordinals]
        movers.initial = [str(ordinal) for ordinal in ordinals]
        self.fields["presented_on"].initial = timezone.localdate()

    def body(self, relocation: Relocation) -> ReportBody:
        """The report as the town's system would post it."""
        return ReportBody(
            id=uuid4(),
            type=APPEARED[0],
            outcome=PRESENTED,
            receipt_no=relocation.receipt_no,
            movers=tuple(sorted(int(ordinal) for ordinal in self.cleaned_data["movers"])),
            visited_on=self.cleaned_data["presented_on"],
        )


def waiting(relocation: Relocation, town: str) -> list[int]:
    """Return the movers whose card this town still waits for, or has waited for in vain."""
    running = relocation.deadlines.filter(
        clock=CARD, municipality=town, state__in=[DeadlineState.RUNNING, DeadlineState.PASSED]
    )
    asked = {ordinal for row in running for ordinal in row.ordinals}
    if not asked:
        return []
    with acting(HUB), suppress(ShreddedError):
        shown = shown_on(facts.read(relocation), town, vault.open_one(relocation.pk))
        return sorted(asked - shown.keys())
    return []


def page(request: HttpRequest, site: admin.AdminSite, relocation: Relocation) -> HttpResponse:
    """Ask, and report what is said as the clerk's town."""
    town = desk.town_of(request)
    form = CardForm(waiting(relocation, town), request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            reports.receive(form.body(relocation), town)
        except Refusal as refusal:
            form.add_error("presented_on", f"{refusal.lead.entry.title} {refusal.lead.entry.remedy}")
        else:
            messages.success(request, gettext("Noted: the card was presented."))
            return HttpResponseRedirect(reverse("admin:relocations_relocation_change", args=[relocation.pk]))
    context = site.each_context(request) | {
        "title": gettext("The card was presented"),
        "relocation": relocation,
        "form": form,
        "opts": Relocation._meta,
    }
    return render(request, "relocations/card.html", context)
