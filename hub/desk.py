"""What every page of the desk (Django's admin) shares: who asks, rows that nobody edits, pages without a full count."""

from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from hub.actors import NOBODY, Actor, ActorKind

#: Rows a list counts at most; nobody turns to page 200, and counting millions would make every page slow.
COUNTED = 10_000
#: Shown where there is nothing to say; Django shows None on a page of details.
NOTHING = "—"


def actor_of(request: HttpRequest) -> Actor:
    """Who asks."""
    found: Actor = getattr(request.user, "actor", NOBODY)
    return found


def town_of(request: HttpRequest) -> str:
    """The municipality of the clerk who asks; empty for an operator."""
    return actor_of(request).municipality


def is_operator(request: HttpRequest) -> bool:
    """Whether an operator of the hub asks: sees states, never persons."""
    return actor_of(request).kind is ActorKind.OPERATOR


def short(value: date | None) -> str:
    """A day or a moment in the few characters a column has."""
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
    return date_format(value, "SHORT_DATE_FORMAT") if value else NOTHING


class Pages(Paginator):  # type: ignore[type-arg]
    """Pages over the newest rows, counted up to a limit."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, or the limit."""
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED].count())


class Desk(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list and its details, to be read: what changes a row is a service behind an action, never a form."""

    paginator = Pages
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    actions_on_bottom = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of the clerk's own town. Row-level security says the same behind it."""
        rows = super().get_queryset(request)
        actor = actor_of(request)
        if actor.kind is ActorKind.OPERATOR:
            return rows
        return self.of_town(rows, actor.municipality) if actor.municipality else rows.none()

    def of_town(self, rows: QuerySet[Any], code: str) -> QuerySet[Any]:
        """Those that concern this municipality."""
        return rows.filter(municipality=code)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Rows are made by what happens."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Nobody edits them."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Nobody deletes them."""
        return False


class Rows(admin.TabularInline):  # type: ignore[type-arg]
    """Rows that belong to the one shown, to be read; a clerk's own town only."""

    extra = 0
    can_delete = False
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Those of the clerk's own town."""
        rows = super().get_queryset(request)
        return self.of_town(rows, town_of(request)) if town_of(request) else rows

    def of_town(self, rows: QuerySet[Any], code: str) -> QuerySet[Any]:
        """Those that concern this municipality."""
        return rows.filter(municipality=code)

    def has_add_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Rows are made by what happens."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Nobody edits them."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Nobody deletes them."""
        return False
