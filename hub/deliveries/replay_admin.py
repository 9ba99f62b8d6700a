"""The desk's view of replays: ask with a preview, confirm as a second operator, watch, stop."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import desk, words
from hub.accounts.models import User
from hub.catalogue import Refusal
from hub.deliveries import replays
from hub.deliveries.models import Replay
from hub.deliveries.states import Cause
from municipalities.models import Municipality


class ReplayForm(forms.Form):
    """Which deliveries are sent again, and why."""

    municipality = forms.ModelChoiceField(Municipality.objects.leaf(), label=_("municipality"), required=False)
    state = forms.ChoiceField(label=_("state"), choices=[(state.value, state.label) for state in replays.STATES])
    type = forms.ChoiceField(label=_("notice"), required=False)
    cause = forms.ChoiceField(label=_("who must act"), choices=[("", "—"), *Cause.choices], required=False)
    code = forms.RegexField("^[EA][0-9]{3}$", label=_("error"), required=False)
    since = forms.DateField(label=_("made since"), widget=AdminDateWidget(), required=False)
    until = forms.DateField(label=_("made until"), widget=AdminDateWidget(), required=False)
    reason = forms.CharField(label=_("reason"), max_length=200)

    def __init__(self, answers: Any = None) -> None:
        super().__init__(answers)
        self.fields["type"].choices = [("", "—"), *words.NOTICES.items()]  # type: ignore[attr-defined]

    def chosen(self) -> replays.Chosen:
        """The filter."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "reason"}
        town = given.pop("municipality")
        return replays.Chosen(municipality=town.pk if town else "", **given)


@admin.register(Replay)
class ReplayAdmin(desk.Desk):
    """Replays."""

    list_display = (
        "reason",
        "state",
        "expected",
        "sent",
        "skipped",
        "asked_by",
        "confirmed_by",
        "asked_at",
        "ended_at",
    )
    list_filter = ("state",)
    list_select_related = ("asked_by", "confirmed_by")
    ordering = ("-pk",)
    fields = ("reason", "chosen", "state", "expected", "sent", "skipped", "asked_by", "confirmed_by", "asked_at")
    actions = ("confirm", "stop")

    def of_town(self, rows: QuerySet[Any], _code: str) -> QuerySet[Any]:
        """None: a replay may concern many towns, and is the operators' matter."""
        return rows.none()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators."""
        return desk.is_operator(request)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask, show what will happen, and begin once that was confirmed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ReplayForm(request.POST or None)
        preview = None
        if request.method == "POST" and form.is_valid() and "back" not in request.POST:
            preview = replays.preview(form.chosen())
            if "confirm" in request.POST and self._ask(request, form):
                return redirect("admin:deliveries_replay_changelist")
        names = dict(Municipality.objects.filter(pk__in=preview.going).values_list("pk", "name")) if preview else {}
        context = self.admin_site.each_context(request) | {
            "title": gettext("Send many again"),
            "form": form,
            "media": self.media + form.media,
            "preview": preview,
            "going": [(code, names[code], number) for code, number in preview.going.items()] if preview else [],
            "opts": self.opts,
        }
        return render(request, "deliveries/replay.html", context)

    def _ask(self, request: HttpRequest, form: ReplayForm) -> bool:
        assert isinstance(request.user, User)  # noqa: S101 - only who signed in comes here
        try:
            replay = replays.ask(form.chosen(), form.cleaned_data["reason"], request.user)
        except Refusal as refusal:
            self.message_user(request, f"{refusal.lead.entry.title} {refusal.lead.detail}", messages.ERROR)
            return False
        waits = replay.state == Replay.State.WAITING
        self.message_user(request, gettext("It waits for a second operator.") if waits else gettext("It has begun."))
        return True

    @admin.action(description=_("Confirm as the second operator"), permissions=["add"])
    def confirm(self, request: HttpRequest, rows: QuerySet[Replay]) -> None:
        """Let the chosen ones run."""
        assert isinstance(request.user, User)  # noqa: S101 - only who signed in comes here
        for row in rows:
            try:
                replays.confirm(row, request.user)
            except Refusal as refusal:
                self.message_user(request, f"{row}: {refusal.lead.entry.title}", messages.ERROR)

    @admin.action(description=_("Stop"), permissions=["add"])
    def stop(self, request: HttpRequest, rows: QuerySet[Replay]) -> None:
        """Stop the chosen ones where they are."""
        for row in rows:
            replays.stop(row)
