"""What notices that became due say besides the filing, and to which of the movers they are told together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.ids import uuid7
from hub.relocations import facts, journey, legs, notices, tables
from hub.relocations.filing import Document, Filing
from hub.relocations.models import Guard, Leg, Relocation
from municipalities import notice as record
from municipalities.notice import Kind, Reason, Role

if TYPE_CHECKING:
    from hub.relocations.services import Opened


def apart(due: Sequence[journey.Due], now: "Opened") -> list[journey.Due]:
    """Let every notice be about movers who go to one address; how to handle it (75) is about no address.

    Of who moves abroad the family register is told by the day on which they leave.
    """
    return [replace(one, ordinals=some) for one in due for some in _groups(one, now.document)]


def _groups(due: journey.Due, document: Document) -> list[tuple[int, ...]]:
    if due.type == journey.ROUTE:
        return [due.ordinals]
    if not _tells_the_day(due.type, document.kind):
        return document.apart(due.ordinals)
    days: dict[date | None, list[int]] = {}
    for ordinal in due.ordinals:
        days.setdefault(document.leaves_on(ordinal), []).append(ordinal)
    return [tuple(group) for group in days.values()]


def _tells_the_day(type_: str, kind: Kind) -> bool:
    return type_ == "appendix.notice" and kind is Kind.OVERSEAS_OUT


def tell(relocation: Relocation, rows: facts.Rows, now: "Opened", due: Sequence[journey.Due]) -> list[Delivery]:
    """Compose and queue the notices that became due; returns their deliveries."""
    told: list[deliveries.Told] = []
    same: Counter[tuple[str, Role, str]] = Counter()
    guard = next((leg for leg in legs.of(rows.movers) if leg.guard != Guard.NONE), None)
    for item in due:
        to = notices.Address(uuid7(), item.type, item.municipality, item.role, item.ordinals)
        entered = facts.noticed(rows, item.municipality, item.ordinals) if guard else False
        filing, known = now.at(item.ordinals[0]), _known(relocation, rows, now, item, guard)
        if guard:
            if notices.knows_the_plan(item.type, item.role, entered=entered):
                filing, known = _as_planned(relocation, rows, filing, known)
            filing = notices.guarded(filing, item.type, item.role, entered=entered)
        notice = notices.compose(filing, to, known)
        part, kind = facts.part(rows, item), (item.type, item.role, item.municipality)
        told.append(deliveries.Told(relocation.pk, notice, part + same[kind], now.key))
        same[kind] += 1
    return deliveries.queue(told, facts.last_sequences(rows), facts.moment(rows))


def _as_planned(
    relocation: Relocation, rows: facts.Rows, filing: Filing, known: notices.Known
) -> tuple[Filing, notices.Known]:
    """Take out at which other municipality than planned a protected person appeared."""
    code, planned = filing.new_address.local_government_code, relocation.destination
    if planned is None:
        return filing, known
    if rows.heirs.get(code, code) != planned.pk:
        city = f"{planned.within}{planned.name}"
        place = record.Address(local_government_code=planned.pk, prefecture=planned.prefecture, city_and_county=city)
        filing = msgspec.structs.replace(filing, new_address=place)
    return filing, replace(known, destination=planned.pk)


#: Why a record is entered, deleted or amended, by what decided it (異動事由).
REASONS = {
    ("cancel.decided", "CANCEL_ADD"): Reason.CANCEL_ADD,
    ("cancel.decided", "CANCEL_REMOVE"): Reason.CANCEL_REMOVE,
    ("cancel.decided", "CANCEL_AMENDED"): Reason.CANCEL_AMENDED,
    ("correction.notified", ""): Reason.ERROR_CORRECTED,
    ("registry.change", "DEATH"): Reason.DEATH,
}
#: What a notice refers to: the last report of these types.
ABOUT = {
    "movein.cancelled": ("cancel.decided",),
    "certificate.recalled": ("cancel.decided", "registry.change"),
    "correction.notified": ("correction.notified",),
}


def _known(
    relocation: Relocation, rows: facts.Rows, now: "Opened", item: journey.Due, guard: Leg | None
) -> notices.Known:
    """Return what this notice says besides what was filed."""
    known = notices.Known(
        receipt_no=relocation.receipt_no,
        version=relocation.version,
        flow=tables.whole_flow(flow for ordinal, flow in facts.flows(rows).items() if ordinal in item.ordinals),
        filed_on=relocation.filed_on,
        destination=facts.entered(rows, item.ordinals) or relocation.destination_id or "",
        last_registered=facts.last_registered(rows, item.ordinals, now.filing.last_registered),
        actual_in_on=facts.legal_date(facts.last_report(rows, ["movein.decided"], item.ordinals), now.key),
        protected=guard is not None,
        contact_office=guard.contact_office if guard else "",
    )
    if item.type in ABOUT:
        about = facts.last_report(rows, ABOUT[item.type], item.ordinals)
        if about is not None:
            return replace(
                known,
                effective_on=facts.legal_date(about, now.key),
                reason=REASONS[about.type, about.outcome],
                refers_to=str(about.pk),
            )
    if _tells_the_day(item.type, now.document.kind):
        return replace(known, effective_on=now.document.leaves_on(item.ordinals[0]), reason=Reason.OVERSEAS_OUT)
    return known
