"""What an operator does to connect a town: everything is written down, and what takes long is left to a worker."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from hub.accounts import trust
from hub.accounts.models import SystemClient
from hub.audit import services as audit
from hub.catalogue import Refusal
from hub.conformance import services as conformance
from hub.conformance.models import Report
from hub.deliveries import callbacks
from hub.deliveries.models import Callback
from hub.onboarding.models import Onboarding, Run
from hub.shadow import cutover
from municipalities.models import GaijiTable, Municipality
from municipalities.transports.guard import InternalAddressError

#: How far back a planned standard is tried on what went out.
BACK = timedelta(days=30)
SCOPES = "deliveries reports"


def begin(town: Municipality) -> Onboarding:
    """Begin to connect a town, or go on where somebody left off; what it has today is the first choice."""
    Municipality.objects.select_for_update(no_key=True).get(pk=town.pk)
    row = Onboarding.objects.filter(municipality=town, ended_at=None).first()
    if row is None:
        present = callbacks.present_of(town.pk)
        row = Onboarding.objects.create(municipality=town)
        if present is not None:
            row.standard, row.gaiji, row.address = present.standard, present.gaiji, present.address
            row.concurrency, row.sets_protection = present.concurrency, present.sets_protection
            row.save()
        _write_down("onboarding.begun", row)
    return row


def choose(row: Onboarding, standard: str, gaiji: GaijiTable | None) -> None:
    """Choose a record standard."""
    _refuse_planned(row)
    row.standard, row.gaiji = standard, gaiji
    row.save(update_fields=["standard", "gaiji"])
    _write_down("onboarding.standard_chosen", row, standard=standard)


def place(row: Onboarding, address: str, concurrency: int, *, sets_protection: bool) -> bytes:
    """Say where its system is told, and whether its answers may set protection measures.

    Returns a signing key, if one was made for it, to be shown once.
    """
    _refuse_planned(row)
    row.address, row.concurrency, row.sets_protection = address, concurrency, sets_protection
    row.save(update_fields=["address", "concurrency", "sets_protection"])
    _write_down("onboarding.address_given", row, address=address, sets_protection=sets_protection)
    return callbacks.register(row.municipality_id, address)[1]


def _refuse_planned(row: Onboarding) -> None:
    if row.connection_id is not None:
        raise ValidationError(gettext("A first day is planned: take the plan back first."))


def callback_of(row: Onboarding) -> Callback:
    """The registered address."""
    return callbacks.register(row.municipality_id, row.address)[0]


def new_key(row: Onboarding) -> bytes:
    """Return another signing key for an address that is not in use yet."""
    _refuse_planned(row)
    return callbacks.replace_key(callback_of(row))


def new_system(row: Onboarding) -> tuple[SystemClient, str]:
    """Make a client of the API for the town's system; returns it with its secret, to be shown once."""
    taken = set(
        SystemClient.objects.filter(client_id__startswith=f"town-{row.municipality_id}").values_list("client_id")
    )
    names = [f"town-{row.municipality_id}", *(f"town-{row.municipality_id}-{number}" for number in range(2, 100))]
    free = next(name for name in names if (name,) not in taken)
    return trust.make(free, row.municipality_id, SCOPES)


def ask(row: Onboarding) -> None:
    """Let a worker ask the address to prove itself."""
    callbacks.want(callback_of(row))
    _write_down("onboarding.connection_tested", row)


# --- What a worker does ------------------------------------------------------------------------------------


def start(row: Onboarding, kind: Run.Kind, books: str = "") -> Run:
    """Leave a run to a worker; one that waits or runs already is the same run."""
    open_ = row.runs.filter(kind=kind, state__in=[Run.State.WAITING, Run.State.RUNNING]).first()
    if open_ is not None:
        return open_
    run = Run.objects.create(onboarding=row, kind=kind, standard=row.standard, address=row.address, books=books)
    _write_down(f"onboarding.{kind}_started", row, standard=row.standard)
    return run


def start_kit(row: Onboarding, books: str) -> Run:
    """Let the kit play the hub towards the town's system; only towards an address that proved itself."""
    if conformance.mode_of(row.address) not in conformance.FROM_HERE:
        raise ValidationError(gettext("A town that exchanges files runs the kit where its folder is: read its report."))
    if why := callbacks.against(row.municipality_id, row.address):
        raise ValidationError(why)
    if books:
        try:
            callbacks.guard().check(books)
        except (InternalAddressError, OSError) as error:
            raise ValidationError(gettext("The books cannot be read there: %(why)s.") % {"why": error}) from error
    return start(row, Run.Kind.KIT, books)


def runs_from_here(row: Onboarding) -> bool:
    """Whether this installation runs the kit, and this way of being told can be played from here."""
    return bool(kit_address()) and conformance.mode_of(row.address) in conformance.FROM_HERE


def kit_address() -> str:
    """Where a town's system reaches the kit while the hub runs it; empty if it does not run it."""
    port = settings.HUB_KIT_PORT
    return (settings.HUB_KIT_ADDRESS or f"http://127.0.0.1:{port}") if port else ""


def kit_client(row: Onboarding) -> tuple[str, str]:
    """Client and secret that the town's system shows to the kit: they open nothing else."""
    name = f"kit-{row.municipality_id}"
    secret = hmac.new(settings.SECRET_KEY.encode(), f"onboarding kit {row.pk}".encode(), hashlib.sha256)
    return name, secret.hexdigest()


def kit_settings(row: Onboarding) -> Mapping[str, str]:
    """What the town's system is told to be run by the kit, as the adapter to copy reads it; the key it has."""
    client, secret = kit_client(row)
    mode = conformance.mode_of(row.address)
    return {
        "HIKKOSHI_HUB": kit_address(),
        "HIKKOSHI_MODE": mode.value if mode else "",
        "HIKKOSHI_TOWN": row.municipality_id,
        "HIKKOSHI_CLIENT_ID": client,
        "HIKKOSHI_CLIENT_SECRET": secret,
    }


def read_report(row: Onboarding, document: Any) -> Report:
    """Keep a report that the vendor made; it must be about what is chosen here."""
    mode = conformance.mode_of(row.address)
    told = document if isinstance(document, dict) else {}
    if mode is None or told.get("mode") != mode.value:
        raise ValidationError(gettext("This report is about another way of being told, or is no report of the kit."))
    if told.get("standard", "") != row.standard:
        text = gettext("This report is about another record standard: «%(name)s».")
        raise ValidationError(text % {"name": str(told.get("standard", ""))[:60]})
    if told.get("town", row.municipality_id) != row.municipality_id:
        raise ValidationError(gettext("This report is about another municipality."))
    try:
        return conformance.record(row.municipality_id, told)
    except Refusal as refusal:
        raise ValidationError(f"{refusal.lead.entry.title} {refusal.lead.detail}") from refusal


# --- The first day -----------------------------------------------------------------------------------------


def plan_of(row: Onboarding, day: date, reason: str) -> cutover.Plan:
    """What is to begin on that day."""
    return cutover.Plan(
        municipality=row.municipality_id,
        standard=row.standard,
        address=row.address,
        valid_from=day,
        concurrency=row.concurrency,
        gaiji=row.gaiji,
        sets_protection=row.sets_protection,
        tried_from=timezone.localdate() - BACK,
        reason=reason.strip(),
    )


@transaction.atomic
def plan(row: Onboarding, day: date, reason: str) -> None:
    """Plan the first day."""
    row.connection = cutover.make(plan_of(row, day, reason))
    row.save(update_fields=["connection"])


@transaction.atomic
def take_back(row: Onboarding) -> None:
    """Take the plan back, as long as it has not begun."""
    if row.connection is not None:
        cutover.take_back(row.connection)
        row.connection = None


def drop(row: Onboarding) -> None:
    """End an onboarding that comes to nothing; a plan goes with it."""
    take_back(row)
    row.ended_at = timezone.now()
    row.save(update_fields=["ended_at"])
    _write_down("onboarding.dropped", row)


def end_live() -> int:
    """Close the onboardings whose first day has come; returns how many."""
    rows = Onboarding.objects.filter(ended_at=None, connection__valid_from__lte=timezone.localdate())
    ended = 0
    for row in rows.select_for_update(skip_locked=True, of=("self",)):
        row.ended_at = timezone.now()
        row.save(update_fields=["ended_at"])
        _write_down("onboarding.live", row)
        ended += 1
    return ended


def _write_down(action: str, row: Onboarding, **detail: str | bool) -> None:
    audit.record(audit.Act(action, f"municipality:{row.municipality_id}", detail))
