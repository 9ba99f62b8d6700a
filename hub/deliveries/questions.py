"""The desk's page of a delivery that cannot be written: each question with its candidates, and the clerk's answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from hub import catalogue, desk, words
from hub.actors import ActorKind
from hub.audit import services as audit
from hub.catalogue import Refusal
from hub.deliveries import deciding, services
from hub.deliveries.deciding import Open, OpenText
from hub.deliveries.models import Delivery
from hub.deliveries.reading import label
from hub.fidelity.characters import missing_points, points
from hub.fidelity.models import Kind
from hub.fidelity.services import Choice
from hub.words import Words
from municipalities.characters import Candidate, mj_names


@dataclass(frozen=True, slots=True)
class Missing:
    """One character that the town cannot hold, and the field that asks what to write instead."""

    cluster: str
    field: forms.BoundField | None

    @property
    def points(self) -> str:
        """Its code points, and its name in the MJ list if it has one."""
        names = [name for name in mj_names(self.cluster) if name not in self.cluster]
        return " ".join([points(self.cluster), *names])


@dataclass(frozen=True, slots=True)
class Block:
    """What is asked about one text."""

    text: str
    target: str
    items: str
    decided: str
    missing: list[Missing]
    other: forms.BoundField | None
    paper: forms.BoundField


class DecisionForm(forms.Form):
    """For every open text: a candidate for each missing character, or another writing of the whole, or paper.

    Who may not read the notice (an operator) is shown the missing characters alone and types nothing.
    """

    def __init__(self, open_: Open, *args: Any, ordinals: list[int], reads: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.open, self.ordinals, self.reads = open_, ordinals, reads
        self.choices: list[Choice] = []
        for number, text in enumerate(open_.texts):
            for place, (cluster, candidates) in enumerate(text.clusters.items()):
                if candidates:
                    self.fields[f"pick-{number}-{place}"] = _radio(cluster, candidates)
            if reads:
                self.fields[f"other-{number}"] = forms.CharField(
                    label=_("Another writing of the whole item"), required=False, strip=False, max_length=500
                )
            self.fields[f"paper-{number}"] = forms.BooleanField(
                label=_("Hold until the town takes it on paper"), required=False
            )

    def blocks(self) -> Iterator[Block]:
        """What the page shows, text by text."""
        for number, text in enumerate(self.open.texts):
            yield Block(
                text=text.text if self.reads else "",
                target=words.character_set(text.target),
                items=" / ".join(f"{label(pointer, self.ordinals)} ({item})" for pointer, item in text.places.items()),
                decided=str(Kind(text.remembered.kind).label) if text.remembered else "",
                missing=[
                    Missing(cluster, self._bound(f"pick-{number}-{place}"))
                    for place, cluster in enumerate(text.clusters)
                ],
                other=self._bound(f"other-{number}"),
                paper=self[f"paper-{number}"],
            )

    def _bound(self, name: str) -> forms.BoundField | None:
        return self[name] if name in self.fields else None

    def clean(self) -> dict[str, Any]:
        """Turn the answers into choices; a text without a whole answer stays open."""
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        for number, text in enumerate(self.open.texts):
            choice = self._choice(number, text, answers)
            if choice is not None:
                self.choices.append(choice)
        if not self.choices and not self.errors:
            raise forms.ValidationError(_("Choose for at least one text what is to be written."))
        return answers

    def _choice(self, number: int, text: OpenText, answers: dict[str, Any]) -> Choice | None:
        asked, missing = text.asked, missing_points(text.text, text.clusters)
        if answers.get(f"paper-{number}"):
            return Choice(asked=asked, kind=Kind.PAPER, points=missing)
        if other := answers.get(f"other-{number}"):
            return Choice(asked=asked, kind=Kind.WRITE, writing=other, points=missing)
        given = {cluster: answers.get(f"pick-{number}-{place}") for place, cluster in enumerate(text.clusters)}
        picks = {cluster: pick for cluster, pick in given.items() if pick}
        if picks and len(picks) < len(given):
            self.add_error(f"paper-{number}", _("Choose for every character of this text, or write the whole item."))
        if not picks or len(picks) < len(given):
            return None
        return Choice(asked=asked, kind=Kind.WRITE, writing=text.picked(picks), points=missing, basis=text.basis(picks))

    def refuse(self, refusal: Refusal) -> None:
        """Say at each text why its writing cannot be taken."""
        texts = [text.asked for text in self.open.texts]
        for problem in refusal.problems:
            place = problem.pointer.removeprefix("/")
            told = f"{problem.entry.title} {problem.detail}".strip()
            if place.isdigit() and self.choices[int(place)].asked in texts:
                self.add_error(f"paper-{texts.index(self.choices[int(place)].asked)}", told)
            else:
                self.add_error(None, told)


def _radio(cluster: str, candidates: tuple[Candidate, ...]) -> forms.ChoiceField:
    """Candidates with the tables that they stand on; one that is not lawful by itself says so."""
    shown = [(one.written, _candidate(one)) for one in candidates]
    return forms.ChoiceField(label=cluster, choices=shown, widget=forms.RadioSelect, required=False)


def _candidate(one: Candidate) -> SafeString:
    basis = " / ".join(one.bases)
    note = basis if one.legal else gettext("%(basis)s: not by law, a person must answer for it") % {"basis": basis}
    return format_html('<b class="character">{}</b> {} — {}', one.written, points(one.written), note)


def page(request: HttpRequest, site: AdminSite, delivery: Delivery) -> HttpResponse:
    """Show the questions of a held delivery and take the answers; reading the texts is written down."""
    reads = desk.actor_of(request).kind is ActorKind.CLERK
    try:
        open_ = deciding.open_of(delivery)
    except Refusal as refusal:
        messages.error(request, f"{refusal.lead.code} {refusal.lead.entry.title} {refusal.lead.detail}")
        return _back(delivery)
    answers = request.POST if request.method == "POST" else None
    form = DecisionForm(open_, answers, ordinals=delivery.ordinals, reads=reads)
    if form.is_bound and form.is_valid():
        try:
            return _decided(request, delivery, deciding.decide(delivery, form.choices))
        except Refusal as refusal:
            form.refuse(refusal)
    if reads:
        audit.record(services.act("delivery.read", delivery))
    context = site.each_context(request) | {
        "title": gettext("Characters to decide about"),
        "delivery": delivery,
        "form": form,
        "problem": _in_words(open_) if open_.problem else None,
        "opts": delivery._meta,
    }
    return render(request, "deliveries/questions.html", context)


def _in_words(open_: Open) -> dict[str, Words]:
    """The first refusal: its row of the catalogue and the layout's own words."""
    assert open_.problem is not None  # noqa: S101 - asked for only then
    entry = catalogue.entry(open_.problem.code)
    return {"code": entry.code, "title": entry.title, "detail": open_.problem.detail, "remedy": entry.remedy}


def _decided(request: HttpRequest, delivery: Delivery, freed: int) -> HttpResponse:
    if freed:
        told = ngettext("Decided. %(count)d delivery goes on.", "Decided. %(count)d deliveries go on.", freed)
        messages.success(request, told % {"count": freed})
    else:
        messages.info(request, gettext("Decided. The delivery stays held: something else is still open."))
    return _back(delivery)


def _back(delivery: Delivery) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:deliveries_delivery_change", args=[delivery.pk]))
