"""The desk's view of what towns sent back: files that nobody may guess about, and values that differ."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from hub import catalogue, desk
from hub.actors import ActorKind
from hub.audit import services as audit
from hub.catalogue import Refusal
from hub.deliveries import returning, services
from hub.deliveries.models import Difference, Held, Return
from hub.deliveries.reading import label
from hub.fidelity import services as fidelity
from hub.fidelity.models import Kind
from hub.fidelity.services import Choice
from hub.keyset import KeysetDesk
from hub.relocations import returns
from hub.vault import services as vault
from hub.vault.services import ShreddedError
from municipalities.characters import PRIVATE, Question


class MeaningForm(forms.Form):
    """For every text with an unknown private character: the whole text as it has to be read."""

    def __init__(self, questions: tuple[Question, ...], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.texts = {(question.target, question.text): question for question in questions}
        for number, question in enumerate(self.texts.values()):
            self.fields[f"text-{number}"] = forms.CharField(
                label=f"{question.item}: {question.text}", initial=question.draft, strip=False, max_length=500
            )

    def clean(self) -> dict[str, Any]:
        """Nobody else can read a private character."""
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        for name, text in list(answers.items()):
            if PRIVATE.search(text):
                self.add_error(name, _("A private-use character is still in it: write the character that is meant."))
        return answers

    def choices(self) -> list[Choice]:
        """What to keep: the text as it came, and what it means."""
        return [
            Choice(asked=asked, kind=Kind.WRITE, writing=self.cleaned_data[f"text-{number}"])
            for number, asked in enumerate(self.texts)
        ]


@admin.register(Return)
class ReturnAdmin(KeysetDesk):
    """Files that came back; a clerk says what an unknown character means, anybody at the desk reads it again."""

    list_display = ("at", "municipality", "report_words", "error", "item", "points", "state", "asking")
    list_filter = ("state", "code", "at")
    list_select_related = ("municipality",)
    fields = ("at", "municipality", "source", "report_words", "error", "remedy", "item", "points", "asking")
    readonly_fields = ("report_words", "error", "remedy", "asking", "source")
    actions = ("read_again", "drop")

    def get_urls(self) -> list[URLPattern]:
        """One page more: what the unknown characters mean."""
        view = self.admin_site.admin_view(never_cache(self.ask))
        return [path("<uuid:pk>/meaning/", view, name="deliveries_return_meaning"), *super().get_urls()]

    def ask(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Show a clerk of the town the texts that cannot be read, and take what they mean."""
        if desk.actor_of(request).kind is not ActorKind.CLERK:
            raise PermissionDenied
        row = self.get_queryset(request).filter(pk=pk, state=Held.HELD).select_related("delivery").first()
        if row is None:
            raise Http404
        try:
            questions = returning.questions_of(row)
        except ShreddedError as error:
            raise Http404 from error
        form = MeaningForm(questions, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            fidelity.decide(row.municipality_id, form.choices(), row.delivery_id, row.delivery.relocation_id)
            self.read_again(request, self.get_queryset(request).filter(pk=pk))
            return HttpResponseRedirect(reverse("admin:deliveries_return_changelist"))
        audit.record(services.act("delivery.read", row.delivery))
        context = self.admin_site.each_context(request) | {
            "title": gettext("What unknown characters mean"),
            "row": row,
            "form": form,
            "opts": self.opts,
        }
        return render(request, "clerks/meaning.html", context)

    @admin.display(description=_("report"))
    def report_words(self, row: Return) -> str:
        report = row.report
        return f"{report['type']} {report['outcome']}".strip() if report else gettext("receipts")

    @admin.display(description=_("error"), ordering="code")
    def error(self, row: Return) -> str:
        return f"{row.code} {catalogue.entry(row.code).title}"

    @admin.display(description=_("what to do"))
    def remedy(self, row: Return) -> str:
        if row.code == "E130":
            return gettext("Say what the character means, or have it added to the gaiji table; then read again.")
        return gettext("Have the code added to the code table of the record standard; then read again.")

    @admin.display(description=_("to be decided"))
    def asking(self, row: Return) -> str:
        if row.state != Held.HELD or row.code != "E130":
            return desk.NOTHING
        link = reverse("admin:deliveries_return_meaning", args=[row.pk])
        return format_html('<a href="{}">{}</a>', link, gettext("Say what it means"))

    @admin.display(description=_("delivery"))
    def source(self, row: Return) -> str:
        link = reverse("admin:deliveries_delivery_change", args=[row.delivery_id])
        return format_html('<a href="{}">{}</a>', link, gettext("Delivery"))

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Clerks for their own town, operators for all."""
        return self.has_view_permission(request)

    @admin.action(description=_("Read again"), permissions=["settle"])
    def read_again(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Read the chosen held files again; what is still unclear or refused stays held."""
        taken = 0
        for row in self._held(rows):
            try:
                taken += returns.read_again(row)
            except Refusal as refusal:
                lead = refusal.lead
                text = " ".join(filter(None, (lead.code, lead.entry.title, lead.pointer, lead.detail)))
                self.message_user(request, text, messages.ERROR)
        told = ngettext("%(count)d file was taken in.", "%(count)d files were taken in.", taken)
        self.message_user(request, told % {"count": taken})

    @admin.action(description=_("Put aside"), permissions=["settle"])
    def drop(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Put the chosen held files aside."""
        chosen = list(self._held(rows))
        for row in chosen:
            returns.drop(row)
        told = ngettext("%(count)d file was put aside.", "%(count)d files were put aside.", len(chosen))
        self.message_user(request, told % {"count": len(chosen)})

    def _held(self, rows: QuerySet[Any]) -> list[Return]:
        held = rows.filter(state=Held.HELD).select_related("delivery__connection__gaiji")
        return list(held.select_for_update(of=("self",)).order_by("pk"))


@admin.register(Difference)
class DifferenceAdmin(KeysetDesk):
    """Values that came back otherwise than they were told; a clerk who opens one reads them, which is written down."""

    list_display = ("at", "municipality", "item", "settled_at")
    list_filter = (("settled_at", admin.EmptyFieldListFilter), "at")
    list_select_related = ("municipality", "delivery")
    fields = ("at", "municipality", "source", "item", "was_told", "came_back", "settled_at", "settled_by")
    readonly_fields = ("source", "item", "was_told", "came_back")
    actions = ("settle",)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Difference | None:
        """Open the texts for a clerk of the town, and write down that they were read."""
        found: Difference | None = super().get_object(request, object_id, from_field)
        if found is not None:
            found.shown = self._shown(request, found)  # type: ignore[attr-defined]
        return found

    def _shown(self, request: HttpRequest, row: Difference) -> tuple[Any, Any]:
        if desk.actor_of(request).kind is not ActorKind.CLERK:
            return desk.NOTHING, desk.NOTHING
        try:
            shown = returning.texts(row, vault.open_one(row.delivery.relocation_id))
        except ShreddedError:
            return desk.NOTHING, desk.NOTHING
        audit.record(services.act("delivery.read", row.delivery))
        return shown

    @admin.display(description=_("item"), ordering="path")
    def item(self, row: Difference) -> str:
        return label(row.path, row.delivery.ordinals)

    @admin.display(description=_("was told"))
    def was_told(self, row: Any) -> str:
        return str(row.shown[0])

    @admin.display(description=_("came back"))
    def came_back(self, row: Any) -> str:
        return str(row.shown[1])

    @admin.display(description=_("delivery"))
    def source(self, row: Difference) -> str:
        link = reverse("admin:deliveries_delivery_change", args=[row.delivery_id])
        return format_html('<a href="{}">{}</a>', link, gettext("Delivery"))

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Clerks for their own town, operators for all."""
        return self.has_view_permission(request)

    @admin.action(description=_("Settled: looked at"), permissions=["settle"])
    def settle(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Take the chosen ones off the list of what needs a person."""
        now, name = timezone.now(), desk.actor_of(request).name
        open_ones = rows.filter(settled_at=None).select_related("delivery")
        acts = [services.act("difference.settled", row.delivery, path=row.path) for row in open_ones]
        count = rows.filter(settled_at=None).update(settled_at=now, settled_by=name)
        audit.record_all(acts)
        told = ngettext("%(count)d difference was settled.", "%(count)d differences were settled.", count)
        self.message_user(request, told % {"count": count})
