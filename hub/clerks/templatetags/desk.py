"""What needs a person, for the first page of the desk: each queue with its length and the list behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import template
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from hub import desk
from hub.deliveries.models import Delivery, Difference, Held, Lane, Return
from hub.deliveries.states import State
from hub.duplicates.models import Case, Finding
from hub.procedures.models import Task
from hub.procedures.states import OPEN
from hub.protection import services
from hub.protection.admin import expiring
from hub.protection.models import ContactWish, Expiry, Measure, Release
from hub.relocations.lists import for_us
from hub.relocations.models import Alert, Relocation

register = template.Library()


@dataclass(frozen=True, slots=True)
class Queue:
    """Something that waits for a person."""

    title: str
    count: int
    link: str


@register.inclusion_tag("clerks/queues.html", takes_context=True)
def queues(context: Context) -> dict[str, Any]:
    """The queues of who asks."""
    return {"queues": list(queues_of(context["request"]))}


def queues_of(request: HttpRequest) -> Iterator[Queue]:
    """A clerk: what the own town must do. Everybody: what is held. An operator: lanes that stand still."""
    town = desk.town_of(request)
    if services.protects(desk.actor_of(request)):
        yield from of_protection(request)
    if town:
        ours = for_us(visible(request, Relocation), town)
        yield queue(_("Relocations that wait for our municipality"), ours, "waiting=us")
        yield queue(_("Tasks of our departments"), visible(request, Task).filter(state__in=OPEN), "open=yes")
        alerts = visible(request, Alert).filter(settled_at=None)
        yield queue(_("Alerts to look at"), alerts, "o=-4")
        cases = visible(request, Case).filter(finding=Finding.OPEN)
        yield queue(_("Persons who seem to be filed twice"), cases, f"finding__exact={Finding.OPEN}")
    held = visible(request, Delivery).filter(state=State.HELD)
    yield queue(_("Deliveries that are held"), held, f"state__exact={State.HELD}")
    returned = visible(request, Return).filter(state=Held.HELD)
    yield queue(_("Files that came back and wait"), returned, f"state__exact={Held.HELD}")
    differences = visible(request, Difference).filter(settled_at=None)
    yield queue(_("Values that came back otherwise"), differences, "settled_at__isempty=1")
    if desk.is_operator(request):
        lanes = visible(request, Lane)
        yield queue(_("Lanes that are paused"), lanes.filter(paused=True), "paused__exact=1")
        blocked = lanes.filter(blocked_until__gt=timezone.now())
        yield queue(_("Lanes blocked after failures"), blocked, "queue=blocked")


def of_protection(request: HttpRequest) -> Iterator[Queue]:
    """What waits for the protection role: these stand first."""
    wishes = visible(request, ContactWish).filter(settled_at=None)
    yield queue(_("Citizens who want to talk about protection"), wishes, "settled_at__isempty=1")
    others = visible(request, Release).filter(released_at=None).exclude(asked_by=desk.actor_of(request).name)
    yield queue(_("Releases that wait for a second clerk"), others, "released_at__isempty=1")
    asked = visible(request, Expiry).filter(settled_at=None)
    yield queue(_("Alerts: is the measure extended?"), asked, "settled_at__isempty=1")
    measures = visible(request, Measure)
    yield queue(_("Measures that end within a month"), expiring(measures, "soon"), "expires=soon")
    yield queue(_("Measures past their last day, still protecting"), expiring(measures, "passed"), "expires=passed")


def queue(title: str, rows: QuerySet[Any], query: str) -> Queue:
    """One list and the filter that shows the same rows; counted up to what a list counts."""
    link = reverse(f"admin:{rows.model._meta.app_label}_{rows.model._meta.model_name}_changelist")
    return Queue(title, rows.order_by()[: desk.COUNTED].count(), f"{link}?{query}")


def visible(request: HttpRequest, model: Any) -> QuerySet[Any]:
    """The rows that who asks may see."""
    return admin.site.get_model_admin(model).get_queryset(request)
