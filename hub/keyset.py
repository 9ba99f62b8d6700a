"""Lists of the desk that grow without end: pages by key, the newest first, as fast at a million rows as at a thousand.

A page is «the next fifty older than this one»: no OFFSET, no count, one walk along an index. The key is the primary
key, whose order is that of time. Nothing else is sorted by: a column without an index would be sorted whole.
"""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.ids import first_of

OLDER, NEWER = "older_than", "newer_than"


class KeysetList(ChangeList):
    """One page: the rows older (or newer) than a key."""

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        for name in (OLDER, NEWER):  # a search or another filter begins at the newest
            self.params.pop(name, None)

    def get_filters_params(self, params: Any = None) -> Any:
        """The keys are no filters."""
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in (OLDER, NEWER)}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """A link to anything else does not take the page along."""
        return super().get_query_string(new_params, [*(remove or ()), OLDER, NEWER])

    def get_ordering(self, _request: HttpRequest, _queryset: QuerySet[Any]) -> list[Any]:
        """The newest first, whatever the address asks for."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Read one row more than is shown: it tells that there are others."""
        older, newer = self._key(request.GET.get(OLDER)), self._key(request.GET.get(NEWER))
        found, has_newer, has_older = page(self.queryset, self.list_per_page, older, newer)
        self.result_list = found
        self.result_count = self.full_result_count = len(found)
        self.show_full_result_count = self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, self.queryset.none(), self.list_per_page)
        self.newest = self.get_query_string() if has_newer else ""
        self.newer = self.get_query_string({NEWER: found[0].pk}) if has_newer and found else ""
        self.older = self.get_query_string({OLDER: found[-1].pk}) if has_older else ""

    def _key(self, text: str | None) -> Any:
        """The key that an address names; ``None`` for what is none."""
        try:
            return self.lookup_opts.pk.to_python(text) if text else None
        except ValidationError:
            return None


def page(rows: QuerySet[Any], size: int, older: Any, newer: Any) -> tuple[list[Any], bool, bool]:
    """Return the rows of a page, the newest first, and whether there are newer and older ones.

    The newest page is always a full one: what is newer than a key and fills no page is shown with what follows it.
    """
    if newer is not None:
        above = list(rows.filter(pk__gt=newer).order_by("pk")[: size + 1])
        if len(above) > size:
            return above[:size][::-1], True, True
        older = None
    below = list((rows if older is None else rows.filter(pk__lt=older))[: size + 1])
    return below[:size], older is not None, len(below) > size


class SinceFilter(admin.SimpleListFilter):
    """Rows made since a day, by their time-ordered keys."""

    title = _("made")
    parameter_name = "since"
    DAYS = {"today": 0, "week": 6, "month": 30}

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [("today", _("today")), ("week", _("in the last 7 days")), ("month", _("in the last 31 days"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = self.DAYS.get(self.value() or "")
        if days is None:
            return queryset
        return queryset.filter(pk__gte=first_of(timezone.localdate() - timedelta(days=days)))


class KeysetDesk(desk.Desk):
    """A list of the desk with pages by key."""

    ordering = ("-pk",)
    sortable_by = ()
    change_list_template = "clerks/pages_by_key.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Pages by key."""
        return KeysetList
