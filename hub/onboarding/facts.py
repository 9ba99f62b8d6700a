"""What is known about towns that are being connected, gathered for many in as many statements as for one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from hub.accounts import trust
from hub.accounts.models import SystemClient
from hub.conformance import services as conformance
from hub.conformance.models import Report
from hub.deliveries.models import Callback, Delivery
from hub.onboarding.models import Onboarding, Run
from municipalities.models import Connection


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the steps of one town follow from."""

    row: Onboarding
    present: Connection | None = None
    #: Whether anything was ever written over the present connection.
    went_out: bool = False
    callback: Callback | None = None
    systems: Sequence[SystemClient] = ()
    #: When one of their credentials ends that somebody must see to.
    ends: datetime | None = None
    #: When one of them last fetched a token.
    signed_in_at: datetime | None = None
    report: Report | None = None
    #: The latest of each kind about what is chosen now.
    runs: Mapping[str, Run] = field(default_factory=dict)


def gather(rows: Iterable[Onboarding]) -> dict[int, Facts]:
    """Facts by onboarding."""
    rows = list(rows)
    codes = {row.municipality_id for row in rows}
    present = {link.municipality_id: link for link in _present(codes)}
    callbacks = {(one.municipality_id, one.address): one for one in Callback.objects.filter(municipality__in=codes)}
    systems = _systems(codes)
    ends = trust.expire_next([client for clients in systems.values() for client in clients])
    tokens = _tokens(codes)
    reports = {(one.municipality_id, one.mode, one.standard): one for one in conformance.latest_of(codes)}
    runs = _runs(rows)
    return {
        row.pk: Facts(
            row=row,
            present=present.get(row.municipality_id),
            went_out=bool(getattr(present.get(row.municipality_id), "told", False)),
            callback=callbacks.get((row.municipality_id, row.address)),
            systems=systems[row.municipality_id],
            ends=min((ends[one.pk] for one in systems[row.municipality_id] if one.pk in ends), default=None),
            signed_in_at=tokens.get(row.municipality_id),
            report=reports.get((row.municipality_id, str(conformance.mode_of(row.address)), row.standard)),
            runs=runs[row.pk],
        )
        for row in rows
    }


def _present(codes: set[str]) -> Iterable[Connection]:
    told = Delivery.objects.filter(
        municipality=OuterRef("municipality"), connection=OuterRef("pk"), content_sha256__isnull=False
    )
    rows = Connection.objects.valid_on(timezone.localdate()).filter(municipality__in=codes)
    return rows.select_related("gaiji").annotate(told=Exists(told))


def _systems(codes: set[str]) -> Mapping[str, list[SystemClient]]:
    found: dict[str, list[SystemClient]] = defaultdict(list)
    for client in SystemClient.objects.filter(municipality__in=codes).order_by("client_id"):
        found[str(client.municipality_id)].append(client)
    return found


def _tokens(codes: set[str]) -> Mapping[str, datetime]:
    tokens: Any = get_access_token_model().objects.filter(application__municipality__in=codes)
    return dict(tokens.values_list("application__municipality").annotate(Max("created")).order_by())


def _runs(rows: Sequence[Onboarding]) -> Mapping[int, dict[str, Run]]:
    """What was found about another standard or address says nothing about this one."""
    about = {row.pk: (row.standard, row.address) for row in rows}
    latest = Run.objects.filter(onboarding__in=about).order_by("onboarding_id", "kind", "-pk")
    found: dict[int, dict[str, Run]] = defaultdict(dict)
    for run in latest.distinct("onboarding_id", "kind").select_related("report"):
        if (run.standard, run.address) == about[run.onboarding_id]:
            found[run.onboarding_id][run.kind] = run
    return found
