"""Every kind of move, from the filing to its end: which towns are told what, and nothing else."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from hub.actors import HUB, acting
from hub.catalogue import Refusal
from hub.deliveries.models import Delivery
from hub.demo import people
from hub.relocations import services
from hub.relocations.filing import Filing
from municipalities.models import Municipality
from municipalities.notice import Kind, Registry
from tests.conftest import CHIYODA, HAKODATE, NAHA, TENRYU, filing
from tests.hub import journeys

pytestmark = pytest.mark.django_db

#: Two wards of Yokohama, and where the first mover's family register is kept in all cases.
TSURUMI, KANAGAWA = "141011", "141020"
VISIT = [("arrival.planned", "destination"), ("arrival.prefill", "destination")]
APPENDIX = [("appendix.notice", "domicile")]
#: What is told in an undisturbed move of each kind, written from the law and the order rules.
COURSES: dict[Kind, list[tuple[str, str]]] = {
    Kind.DOMESTIC: [("moveout.submitted", "origin"), *VISIT, ("movein.notice", "origin"), *APPENDIX],
    Kind.IN_CITY: [*VISIT, *APPENDIX],
    Kind.WARD_TO_WARD: [*VISIT, ("movein.notice", "origin"), *APPENDIX],
    Kind.OVERSEAS_OUT: [("moveout.submitted", "origin"), *APPENDIX],
    Kind.OVERSEAS_IN: [*VISIT, *APPENDIX],
    Kind.HOUSEHOLD_CHANGE: VISIT,
}


def of_kind(kind: Kind, **changes: Any) -> Filing:
    """A family of citizens with their register in Tenryu, moving so."""
    whole = filing(5)
    movers = tuple(
        msgspec.structs.replace(mover, registry=Registry(local_government_code=TENRYU)) for mover in whole.movers[:2]
    )
    places = [
        people.Place(row.pk, row.prefecture, f"{row.within}{row.name}", row.parent_code)
        for row in Municipality.objects.filter(pk__in=[HAKODATE, CHIYODA, TSURUMI, KANAGAWA])
    ]
    invented = people.Invention(places, timezone.localdate(), 5)
    return msgspec.structs.replace(invented.of_kind(kind, whole), movers=movers, **changes)


def told(relocation: Any) -> Counter[tuple[str, str]]:
    """Types and roles of what the registers were told; what departments are asked is the procedures' matter."""
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id=relocation.pk).exclude(type__startswith="task.")
        return Counter(rows.values_list("type", "role"))


@pytest.mark.parametrize("kind", Kind)
def test_a_move_of_each_kind_settles_with_the_notices_of_the_law(kind: Kind) -> None:
    document = of_kind(kind)
    relocation = journeys.file(document)
    journeys.settle(relocation, journeys.course(relocation, document))
    assert journeys.picture(relocation)["state"] == "COMPLETE"
    assert told(relocation) == Counter(COURSES[kind])


def test_nobody_is_told_of_a_domicile_that_made_the_entry_itself() -> None:
    """Act Art. 19(1) is a notice to another municipality; of a move abroad the origin makes the entry."""
    for kind, home in ((Kind.IN_CITY, CHIYODA), (Kind.OVERSEAS_OUT, HAKODATE), (Kind.OVERSEAS_IN, CHIYODA)):
        document = of_kind(kind)
        own = Registry(local_government_code=home)
        movers = tuple(msgspec.structs.replace(mover, registry=own) for mover in document.movers)
        parts = services.parts(msgspec.structs.replace(document, movers=movers))
        assert all(code == home for _, code in parts)


def test_after_an_unfiled_stay_both_towns_are_told_and_nothing_is_filed_at_the_address_left() -> None:
    """S26: from Hakodate, never filed at Naha's address, now at Chiyoda (standard 7.1.1.1)."""
    document = of_kind(Kind.DOMESTIC, last_registered=NAHA)
    relocation = journeys.file(document)
    journeys.settle(relocation, journeys.course(relocation, document))
    assert journeys.picture(relocation)["state"] == "COMPLETE"
    assert told(relocation) == Counter(
        [*VISIT, ("movein.notice", "origin"), ("movein.notice", "last_registered"), *APPENDIX]
    )
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id=relocation.pk, type="movein.notice")
        assert set(rows.values_list("municipality", flat=True)) == {HAKODATE, NAHA}


def test_a_second_move_waits_until_the_first_is_registered() -> None:
    """S24: nothing is filed at the new origin before it has the person (order rule O5)."""
    first = of_kind(Kind.DOMESTIC)
    relocation = journeys.file(first)
    second = msgspec.structs.replace(filing(5, CHIYODA, NAHA), movers=first.movers, follows=relocation.receipt_no)
    later = journeys.file(second)
    assert told(later) == Counter([("arrival.planned", "destination")])
    said = journeys.course(relocation, first)
    journeys.settle(relocation, said)
    assert told(later) == Counter([("arrival.planned", "destination"), ("moveout.submitted", "origin")])
    journeys.settle(later, journeys.course(later, second))
    assert journeys.picture(later)["state"] == "COMPLETE"


@pytest.mark.parametrize(
    ("kind", "changes", "code", "pointer"),
    [
        (Kind.WARD_TO_WARD, {"kind": Kind.DOMESTIC, "planned_out_on": timezone.localdate()}, "E101", "/flow"),
        (Kind.DOMESTIC, {"kind": Kind.WARD_TO_WARD}, "E101", "/flow"),
        (Kind.IN_CITY, {"kind": Kind.HOUSEHOLD_CHANGE}, "E307", "/kind"),
        (Kind.HOUSEHOLD_CHANGE, {"kind": Kind.IN_CITY}, "E307", "/kind"),
        (Kind.IN_CITY, {"planned_out_on": timezone.localdate()}, "E104", "/plannedOutOn"),
        (Kind.OVERSEAS_OUT, {"planned_out_on": None}, "E310", "/plannedOutOn"),
        (Kind.OVERSEAS_IN, {"kind": Kind.IN_CITY}, "E307", "/newAddress/localGovernmentCode"),
    ],
)
def test_a_filing_of_the_wrong_kind_is_refused_by_name(
    kind: Kind, changes: dict[str, Any], code: str, pointer: str
) -> None:
    with pytest.raises(Refusal) as refused:
        journeys.file(msgspec.structs.replace(of_kind(kind), **changes))
    assert (code, pointer) in {(problem.code, problem.pointer) for problem in refused.value.problems}
