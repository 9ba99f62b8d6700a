"""The desk's view of tasks: what each department of the town has to do, and how it is settled; local rules."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.actors import HUB, acting
from hub.catalogue import Refusal
from hub.procedures import documents, services, tables
from hub.procedures.models import LocalRule, Step, Task
from hub.procedures.states import OPEN, Asks, Reason, State
from hub.vault import services as vault


class DepartmentFilter(admin.SimpleListFilter):
    """Whose work it is; the town's own words after those of the table."""

    title = _("department")
    parameter_name = "department"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        used = set(model_admin.get_queryset(request).values_list("department", flat=True).distinct())
        known = [(key, str(name)) for key, name in tables.departments().items() if key in used]
        return known + [(name, name) for name in sorted(used - set(tables.departments()))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        return queryset.filter(department=self.value()) if self.value() else queryset


class OpenFilter(admin.SimpleListFilter):
    """Whether somebody still has to act."""

    title = _("to be done")
    parameter_name = "open"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [("yes", _("still open")), ("asks", _("a clerk must decide")), ("no", _("settled or superseded"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        if self.value() == "asks":
            return queryset.filter(state=State.PENDING).exclude(asks=Asks.NOTHING)
        if self.value() in ("yes", "no"):
            wanted = queryset.filter(state__in=OPEN)
            return wanted if self.value() == "yes" else queryset.exclude(state__in=OPEN)
        return queryset


class StepRows(desk.Rows):
    """Steps of a task."""

    model = Step
    fields = readonly_fields = ("at", "state", "reason", "note", "actor_kind")

    def of_town(self, rows: QuerySet[Step], code: str) -> QuerySet[Step]:
        return rows.filter(task__municipality=code)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Step]:
        return super().get_queryset(request).order_by("pk")


@admin.register(Task)
class TaskAdmin(desk.Desk):
    """Tasks of the clerk's own town. Who the person is, the notice says; here is which mover of which filing."""

    list_display = ("receipt_no", "ordinal", "title_words", "department_words", "due", "state", "reason", "asks")
    list_filter = (OpenFilter, DepartmentFilter, "due_on", "state", "procedure", "side")
    search_fields = ("receipt_no__startswith", "procedure__exact")
    search_help_text = _("Receipt number, or how it begins; or a procedure (F01 … F36).")
    ordering = ("due_on", "pk")
    inlines = (StepRows,)
    actions = ("done", "not_needed", "decline_wish", "decline_requirements", "say_it_applies")
    readonly_fields = ("title_words", "department_words", "due", "way", "source", "bring", "document", "handed_over")
    fieldsets = (
        (None, {"fields": ("receipt_no", "ordinal", "title_words", "department_words", "due")}),
        (_("State"), {"fields": ("state", "reason", "asks", "way")}),
        (_("Rule"), {"fields": ("rule", "rule_version", "gate", "bring", "document", "handed_over", "source")}),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        """Receipt numbers are found in small letters too."""
        return super().get_search_results(request, queryset, search_term.strip().upper())

    @admin.display(description=_("procedure"), ordering="procedure")
    def title_words(self, row: Task) -> str:
        return f"{row.procedure} {row.title}"

    @admin.display(description=_("department"), ordering="department")
    def department_words(self, row: Task) -> str:
        return row.department_name

    @admin.display(description=_("due on"), ordering="due_on")
    def due(self, row: Task) -> str:
        return desk.short(row.due_on)

    @admin.display(description=_("way"))
    def way(self, row: Task) -> str:
        if row.delivery_id is not None:
            return gettext("handed over in the town's own layout")
        if row.state == State.READY:
            return gettext("only here: the town's layout has no items for tasks")
        return desk.NOTHING

    @admin.display(description=_("source"))
    def source(self, row: Task) -> str:
        return row.definition.source

    @admin.display(description=_("to bring along"))
    def bring(self, row: Task) -> str:
        return str(row.definition.bring) or desk.NOTHING

    @admin.display(description=_("document of the origin"))
    def document(self, row: Task) -> str:
        return row.definition.document or desk.NOTHING

    @admin.display(description=_("handed over by the origin"))
    def handed_over(self, row: Task) -> str:
        """References of papers; for whoever may open what is sealed of this relocation."""
        try:
            key = vault.open_one(row.relocation_id)
        except vault.ShreddedError:
            return desk.NOTHING
        with acting(HUB):
            found = documents.known(row.relocation_id, key)
        return documents.in_words(found, [row]) or desk.NOTHING

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Clerks, for their own town."""
        return bool(desk.town_of(request)) and self.has_view_permission(request)

    @admin.action(description=_("Done"), permissions=["settle"])
    def done(self, request: HttpRequest, rows: QuerySet[Task]) -> None:
        """Settle the chosen ones as done."""
        self._each(request, rows, lambda pk, town: services.settle(pk, town, State.DONE))

    @admin.action(description=_("Not needed: does not apply"), permissions=["settle"])
    def not_needed(self, request: HttpRequest, rows: QuerySet[Task]) -> None:
        """Settle the chosen ones as not needed."""
        settle = services.settle
        self._each(request, rows, lambda pk, town: settle(pk, town, State.NOT_NEEDED, Reason.NOT_APPLICABLE))

    @admin.action(description=_("Declined: the citizen does not want it"), permissions=["settle"])
    def decline_wish(self, request: HttpRequest, rows: QuerySet[Task]) -> None:
        """Decline the chosen ones by the citizen's wish."""
        settle = services.settle
        self._each(request, rows, lambda pk, town: settle(pk, town, State.DECLINED, Reason.CITIZEN_DECLINED))

    @admin.action(description=_("Declined: a requirement is not met"), permissions=["settle"])
    def decline_requirements(self, request: HttpRequest, rows: QuerySet[Task]) -> None:
        """Decline the chosen ones because a requirement is not met."""
        settle = services.settle
        self._each(request, rows, lambda pk, town: settle(pk, town, State.DECLINED, Reason.REQUIREMENTS))

    @admin.action(description=_("It applies (uncertain date of birth)"), permissions=["settle"])
    def say_it_applies(self, request: HttpRequest, rows: QuerySet[Task]) -> None:
        """Decide that the rule applies; the task goes on."""
        self._each(request, rows, services.applies)

    def _each(self, request: HttpRequest, rows: QuerySet[Task], act: Any) -> None:
        """Do it to each of the chosen; those it is not possible for are left alone."""
        # Relocations are locked by ascending ids, as everywhere.
        chosen, did = list(rows.order_by("relocation_id", "pk").values_list("pk", "municipality_id")), 0
        for pk, town in chosen:
            try:
                act(pk, town)
                did += 1
            except Refusal:
                continue
        self.message_user(request, ngettext("%(count)d task.", "%(count)d tasks.", did) % {"count": did})
        if did < len(chosen):
            text = gettext("%(count)d could not be settled so and were left alone.") % {"count": len(chosen) - did}
            self.message_user(request, text, messages.WARNING)


@admin.register(LocalRule)
class LocalRuleAdmin(desk.Desk):
    """What towns set otherwise; kept by operators, ended by a last day and never deleted."""

    list_display = ("municipality", "rule", "valid_from", "valid_to", "offered", "department", "days", "age_limit")
    list_filter = ("rule", "offered")
    list_select_related = ("municipality",)
    search_fields = ("municipality__code__startswith", "municipality__name", "rule__startswith")
    ordering = ("municipality", "rule", "valid_from")
    autocomplete_fields = ("municipality",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators."""
        return request.user.has_perm("procedures.add_localrule")

    def has_change_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Operators."""
        return request.user.has_perm("procedures.change_localrule")
