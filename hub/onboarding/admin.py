"""The desk's pages of onboardings: a list with where each town stands, and one guided page per town."""

import base64
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from hub import desk
from hub.accounts import trust
from hub.conformance import services as conformance
from hub.conformance.models import Mode
from hub.conformance.reading import lines
from hub.deliveries import callbacks
from hub.onboarding import drafts, facts, services, steps
from hub.onboarding import forms as asked
from hub.onboarding.models import Draft, Onboarding, Run
from hub.shadow import cutover
from municipalities.models import Connection, Municipality
from municipalities.transports.sftp import public_line

#: How many drafts a page shows.
DRAFTS = 5
#: What the kit is called with, by the way a town is told.
KIT_URLS = {Mode.PUSH: "https://…", Mode.PULL: "pull", Mode.FILES: "folder:…", None: "…"}
#: What may be asked on the page, with the form that goes with it.
FORMS: dict[str, type[forms.Form]] = {
    "choose": asked.LayoutForm,
    "draft": asked.DraftForm,
    "place": asked.AddressForm,
    "kit": asked.KitForm,
    "report": asked.ReportForm,
    "live": asked.LiveForm,
}


class BeginForm(forms.Form):
    """Which town."""

    municipality = forms.ModelChoiceField(
        Municipality.objects.leaf(),
        label=_("municipality"),
        widget=AutocompleteSelect(Connection._meta.get_field("municipality"), admin.site),
    )


class OpenFilter(admin.SimpleListFilter):
    """Those in progress first."""

    title = _("state")
    parameter_name = "ended"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [("yes", pgettext_lazy("onboarding", "ended")), ("all", _("all"))]

    def choices(self, changelist: Any) -> Any:
        found = list(super().choices(changelist))
        found[0]["display"] = _("in progress")
        return iter(found)

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Onboarding]) -> QuerySet[Onboarding]:
        if self.value() == "all":
            return queryset
        return queryset.filter(ended_at__isnull=self.value() != "yes")


@admin.register(Onboarding)
class OnboardingAdmin(desk.Desk):
    """Towns that are being connected; operators alone come here."""

    list_display = ("municipality", "over", "stands", "standing", "warning", "begun", "ended")
    list_filter = (OpenFilter,)
    list_select_related = ("municipality", "connection", "gaiji")
    search_fields = ("municipality__code__startswith", "municipality__name")
    ordering = ("-pk",)

    def of_town(self, rows: QuerySet[Any], _code: str) -> QuerySet[Any]:
        """Operators alone come here."""
        return rows.none()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators alone."""
        return desk.is_operator(request)

    def get_urls(self) -> list[URLPattern]:
        """Two addresses more: how far it is, for the page to ask; a draft to take away."""
        views = {"<int:pk>/standing/": self.standing_view, "draft/<int:pk>/": self.draft_view}
        return [
            *(
                path(route, self.admin_site.admin_view(never_cache(view)), name=f"onboarding_{view.__name__}")
                for route, view in views.items()
            ),
            *super().get_urls(),
        ]

    # --- The list ------------------------------------------------------------------------------------------

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Gather what the rows of this page need at once."""
        found = super().get_changelist_instance(request)
        known = facts.gather(found.result_list)
        for row in found.result_list:
            row.steps = steps.steps(known[row.pk])
        return found

    @admin.display(description=_("steps"))
    def over(self, row: Any) -> str:
        return f"{sum(step.is_over for step in row.steps)} / {len(row.steps)}"

    @admin.display(description=_("stands at"))
    def stands(self, row: Any) -> str:
        return steps.current(row.steps).title

    @admin.display(description=_("state"))
    def standing(self, row: Any) -> str:
        step = steps.current(row.steps)
        return f"{step.word}: {step.text}"

    @admin.display(description=_("warning"))
    def warning(self, row: Any) -> str:
        return " ".join(step.warning for step in row.steps if step.warning) or desk.NOTHING

    @admin.display(description=_("begun"), ordering="pk")
    def begun(self, row: Onboarding) -> str:
        return desk.short(row.begun_at)

    @admin.display(description=_("ended"))
    def ended(self, row: Onboarding) -> str:
        return desk.short(row.ended_at)

    # --- One town ------------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask which town, and go to its page."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = BeginForm(request.POST or None, initial={"municipality": request.GET.get("municipality", "")})
        if request.method == "POST" and form.is_valid():
            row = services.begin(form.cleaned_data["municipality"])
            return redirect("admin:onboarding_onboarding_change", row.pk)
        context = self._context(request, gettext("Connect a municipality"), form=form, media=self.media + form.media)
        return render(request, "onboarding/begin.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The guided page; what was asked for is done, and said on the same page."""
        row = self._row(request, object_id)
        more: dict[str, Any] = {}
        if request.method == "POST" and row.ended_at is None:
            try:
                with transaction.atomic():
                    more = self._act(request, row)
            except ValidationError as error:
                for text in error.messages:
                    self.message_user(request, text, messages.ERROR)
            if not more:
                return redirect("admin:onboarding_onboarding_change", row.pk)
        page = render(request, "onboarding/page.html", self._page(request, row) | more)
        page["Cache-Control"] = "no-store"
        return page

    def standing_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far each step is, for the page to show without being loaded again."""
        row = self._row(request, str(pk))
        found = steps.steps(facts.gather([row])[row.pk])
        running = any(step.standing is steps.Standing.RUNNING for step in found)
        told = {step.name: f"{step.word}: {step.text}" for step in found}
        return JsonResponse({"running": running, "steps": told})

    def draft_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The folder of a draft, to be finished elsewhere."""
        draft = get_object_or_404(Draft, pk=pk)
        self._row(request, str(draft.onboarding_id))
        headers = {"Content-Disposition": f'attachment; filename="{draft.name}.zip"'}
        return HttpResponse(bytes(draft.folder), content_type="application/zip", headers=headers)

    def _row(self, request: HttpRequest, object_id: str) -> Onboarding:
        if not desk.is_operator(request):
            raise PermissionDenied
        rows = Onboarding.objects.select_related("municipality", "connection", "gaiji")
        row = rows.filter(pk=object_id).first() if object_id.isdigit() else None
        if row is None:
            raise Http404
        return row

    def _context(self, request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {"title": title, "opts": self.opts} | more

    def _page(self, request: HttpRequest, row: Onboarding) -> dict[str, Any]:
        """Everything the page shows."""
        known = facts.gather([row])[row.pk]
        found = steps.steps(known)
        running = any(step.standing is steps.Standing.RUNNING for step in found)
        runs, report = known.runs, known.report
        shadow = runs.get(Run.Kind.SHADOW)
        made = shadow is not None and shadow.state == Run.State.DONE
        live = asked.LiveForm()
        return self._context(
            request,
            gettext("Connecting %(town)s") % {"town": row.municipality},
            row=row,
            facts=known,
            steps=found,
            current=steps.current(found),
            running=running,
            missing=steps.missing(found),
            choose=asked.LayoutForm(initial={"standard": row.standard, "gaiji": row.gaiji}),
            draft=asked.DraftForm(),
            place=asked.AddressForm(
                initial={
                    "address": row.address,
                    "concurrency": row.concurrency,
                    "sets_protection": row.sets_protection,
                }
            ),
            kit=asked.KitForm(),
            report=asked.ReportForm(),
            live=live,
            media=self.media + live.media,
            drafts=row.drafts.order_by("-pk").defer("folder")[:DRAFTS],
            kit_settings=services.kit_settings(row) if services.runs_from_here(row) else {},
            kit_url=KIT_URLS[conformance.mode_of(row.address)],
            systems=[(client, trust.credentials_of(client)) for client in known.systems],
            needs_system=steps.needs_system(row.address),
            signed=callbacks.is_signed(row.address),
            used=known.present is not None and known.present.address == row.address,
            public_key=self._public_key(row, known),
            kept=report,
            checks=lines(report) if report else [],
            shadow=steps.tried(shadow) if shadow is not None and made else None,
        )

    def _public_key(self, row: Onboarding, known: facts.Facts) -> str:
        """What the town's SFTP server writes into ``authorized_keys``: no secret."""
        if not row.address.startswith("sftp:"):
            return ""
        key = callbacks.signs(row.municipality_id, row.address)
        return public_line(key) if key else ""

    # --- What is asked for ---------------------------------------------------------------------------------

    def _act(self, request: HttpRequest, row: Onboarding) -> dict[str, Any]:
        """Do it; returns what the page must show at once, because it is shown only now or must be corrected."""
        wanted = request.POST.get("do", "")
        if wanted in FORMS:
            form = FORMS[wanted](request.POST, request.FILES)
            if not form.is_valid():
                return {wanted: form, "opened": wanted}
            return self._answer(request, row, wanted, form)
        return self._do(row, wanted)

    def _answer(self, request: HttpRequest, row: Onboarding, wanted: str, form: forms.Form) -> dict[str, Any]:
        given = form.cleaned_data
        match wanted:
            case "choose":
                services.choose(row, given["standard"], given["gaiji"])
            case "draft":
                file = given["file"]
                drafts.make(row, given["name"], file.name, file.read(), given["base"])
            case "place":
                key = services.place(row, **given)
                return _secret(row, key) if key else {}
            case "kit":
                services.start_kit(row, given["books"])
            case "report":
                services.read_report(row, given["report"])
            case "live":
                return self._live(request, row, form)
        return {}

    def _live(self, request: HttpRequest, row: Onboarding, form: forms.Form) -> dict[str, Any]:
        """Show what will happen; plan it once that was confirmed."""
        given = form.cleaned_data
        if names := steps.missing(steps.steps(facts.gather([row])[row.pk])):
            raise ValidationError(gettext("First: %(names)s.") % {"names": ", ".join(names)})
        if "back" in request.POST:
            return {"live": form, "opened": "live"}
        try:
            if "confirm" in request.POST:
                services.plan(row, given["day"], given["reason"])
                return {}
            preview = list(cutover.preview(services.plan_of(row, given["day"], given["reason"])))
        except ValidationError as error:
            for text in error.messages:
                form.add_error(None, text)
            return {"live": form, "opened": "live"}
        return {"live": form, "opened": "live", "preview": preview}

    def _do(self, row: Onboarding, wanted: str) -> dict[str, Any]:
        match wanted:
            case "key":
                return _secret(row, services.new_key(row))
            case "system":
                client, secret = services.new_system(row)
                return {"client": client.client_id, "client_secret": secret, "opened": "place"}
            case "ask":
                services.ask(row)
            case "shadow":
                services.start(row, Run.Kind.SHADOW)
            case "take_back":
                services.take_back(row)
            case "drop":
                services.drop(row)
        return {}


def _secret(row: Onboarding, key: bytes) -> dict[str, Any]:
    """A new key as the town takes it; of one that signs in by SFTP the public half stands on the page anyway."""
    if row.address.startswith("sftp:"):
        return {}
    return {"key": f"whsec_{base64.b64encode(key).decode()}", "opened": "place"}
