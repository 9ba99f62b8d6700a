"""What changes after the filing: amended, corrected, withdrawn, cancelled, moved elsewhere; nothing is overwritten."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.utils import timezone

from hub.actors import HUB, acting
from hub.catalogue import Refusal
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.relocations import changing, reports
from hub.relocations.corrections import Change
from hub.relocations.filing import Filing
from hub.relocations.models import Event, Mover, Relocation, Report, Version
from hub.relocations.reported import ReportBody
from municipalities.notice import Flow, Kind, Notice, Registry, Role
from tests.conftest import CHIYODA, HAKODATE, NAHA, TENRYU, filing
from tests.hub import journeys

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate


def three(**changes: Any) -> Filing:
    """Three citizens, their registers in Tenryu, in the card flow."""
    whole = filing(5)
    register = Registry(local_government_code=TENRYU, domicile="見本一丁目１番地", head_of_register="見本　太郎")
    movers = tuple(msgspec.structs.replace(mover, registry=register) for mover in whole.movers[:3])
    return msgspec.structs.replace(whole, movers=movers, **changes)


def carry() -> None:
    """Carry and fetch until nothing waits: a later notice to a town waits for the one before."""
    while journeys.carry() + journeys.fetch():
        pass


def run(relocation: Relocation, document: Filing, until: str) -> None:
    """Let careful clerks go on up to this report, and carry what is due then."""
    for said in journeys.course(relocation, document):
        journeys.carry()
        journeys.fetch()
        assert journeys.say(relocation, said) in ("new", "known"), said
        if said.word == until:
            break
    carry()


def report(relocation: Relocation, town: str, type_: str, outcome: str = "", **more: Any) -> Report:
    """Report as the town's system."""
    more = {"legal_date": TODAY()} | more
    body = ReportBody(id=uuid4(), type=type_, receipt_no=relocation.receipt_no, outcome=outcome, **more)
    with acting(journeys.system(town)):
        found, new = reports.receive(body, town)
    assert new
    carry()
    return found


def refused(relocation: Relocation, town: str, type_: str, outcome: str = "", **more: Any) -> Refusal:
    """Report what is refused."""
    with pytest.raises(Refusal) as error:
        report(relocation, town, type_, outcome, **more)
    return error.value


def states(relocation: Relocation, role: Role, town: str = "") -> list[str]:
    """States of a role's movers, by number."""
    with acting(HUB):
        rows = Mover.objects.filter(relocation=relocation, role=role.value).order_by("municipality_id", "ordinal")
        return list(rows.filter(**({"municipality": town} if town else {})).values_list("state", flat=True))


def state(relocation: Relocation) -> str:
    """State of the whole."""
    with acting(HUB):
        return str(Relocation.objects.get(pk=relocation.pk).state)


def told(relocation: Relocation, town: str) -> list[str]:
    """What a town was handed, in order."""
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id=relocation.pk, municipality=town, sent_at__isnull=False)
        return list(rows.order_by("sequence").values_list("type", flat=True))


def content(relocation: Relocation, town: str, type_: str) -> Notice:
    """The last notice of a type to a town."""
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id=relocation.pk, municipality=town, type=type_)
        return deliveries.notice_of(rows.order_by("-sequence")[0])


def amended(document: Filing, **changes: Any) -> Filing:
    """The filing with other values."""
    return msgspec.structs.replace(document, **changes)


def test_an_amendment_supersedes_what_has_not_left_and_tells_the_rest() -> None:
    document = three()
    relocation = journeys.file(document)
    journeys.carry()
    journeys.fetch(HAKODATE)  # the origin has it, the destination (a pull) has not fetched yet
    newer = amended(document, remarks="訂正しました", visit_on=TODAY())
    changing.amend(relocation.pk, newer, journeys.CITIZEN)
    carry()
    assert told(relocation, HAKODATE) == ["moveout.submitted", "filing.amended"]
    assert content(relocation, HAKODATE, "filing.amended").remarks == "訂正しました"
    with acting(HUB):
        found = Relocation.objects.get(pk=relocation.pk)
        assert (found.version, found.version_by) == (2, "filer")
        assert Version.objects.filter(relocation=relocation).count() == 2  # the first stays
        event = Event.objects.get(relocation=relocation, type="filing.amended")
        assert event.detail == {"version": 2, "fields": ["remarks", "visit_on"]}
    for word in ("moveout.reviewing",):
        report(relocation, HAKODATE, word)
    report(relocation, HAKODATE, "moveout.decided", "REGISTERED")
    with pytest.raises(Refusal, match="E200"):  # the town has decided: what is wrong now, it corrects
        changing.amend(relocation.pk, document, journeys.CITIZEN)


def test_a_review_of_the_version_before_that_comes_late_does_not_stop_that_of_the_new_one() -> None:
    relocation = journeys.file(document := three())
    carry()
    changing.amend(relocation.pk, amended(document, remarks="窓口には午後に行きます。"), journeys.CITIZEN)
    carry()
    report(relocation, HAKODATE, "moveout.reviewing")  # on its way when the amendment came
    report(relocation, HAKODATE, "moveout.reviewing")
    report(relocation, HAKODATE, "moveout.decided", "REGISTERED")
    assert states(relocation, Role.ORIGIN) == ["REGISTERED"] * 3


def test_what_a_clerk_returned_is_taken_up_again_by_the_amendment() -> None:
    document = three()
    relocation = journeys.file(document)
    run(relocation, document, "moveout.reviewing")
    report(relocation, HAKODATE, "moveout.decided", "RETURNED")
    assert state(relocation) == "RETURNED"
    changing.amend(relocation.pk, amended(document, remarks="補正"), journeys.CITIZEN)
    carry()
    assert states(relocation, Role.ORIGIN) == ["DELIVERED"] * 3
    report(relocation, HAKODATE, "moveout.reviewing")
    report(relocation, HAKODATE, "moveout.decided", "REGISTERED")
    assert state(relocation) == "MOVEOUT_ACCEPTED"


def test_another_destination_before_the_decision_drops_the_first_and_tells_it_of_a_withdrawal() -> None:
    document = three()
    relocation = journeys.file(document)
    journeys.carry()
    journeys.fetch()
    other = filing(5, HAKODATE, NAHA)
    changing.amend(relocation.pk, amended(document, new_address=other.new_address), journeys.CITIZEN)
    carry()
    assert told(relocation, CHIYODA) == ["arrival.planned", "withdraw.requested"]
    assert told(relocation, NAHA) == ["arrival.planned"]
    assert states(relocation, Role.DESTINATION, CHIYODA) == ["DROPPED"] * 3
    newest = amended(document, new_address=other.new_address)
    report(relocation, HAKODATE, "moveout.reviewing")
    report(relocation, HAKODATE, "moveout.decided", "REGISTERED")
    report(relocation, HAKODATE, "certificate.available")
    for word, outcome in (("arrival.visited", ""), ("movein.decided", "REGISTERED")):
        report(relocation, NAHA, word, outcome)
    report(relocation, HAKODATE, "movein.notice_applied")
    report(relocation, TENRYU, "appendix.applied")
    assert state(relocation) == "SETTLED"
    assert newest.destination == content(relocation, HAKODATE, "movein.notice").destination == NAHA


def test_a_correction_tells_the_others_once_and_moves_nobody() -> None:
    """S46: the room number was wrong; no second move, the domicile changes its appendix again."""
    document = three()
    relocation = journeys.file(document)
    journeys.settle(relocation, journeys.course(relocation, document))
    assert state(relocation) == "COMPLETE"
    change = Change("/newAddress/buildingNameEtc", "見本荘２０２")
    report(relocation, CHIYODA, "correction.notified", changes=(change,))
    assert told(relocation, CHIYODA)[-1] != "correction.notified"
    for town in (HAKODATE, TENRYU):
        notice = content(relocation, town, "correction.notified")
        assert notice.new_address is not None
        assert (notice.new_address.building_name_etc, notice.reason) == ("見本荘２０２", "ERROR_CORRECTED")
    assert states(relocation, Role.DOMICILE) == ["NOTICE_SENT"] * 3
    report(relocation, TENRYU, "appendix.applied")
    assert state(relocation) == "COMPLETE"
    assert told(relocation, HAKODATE).count("movein.notice") == 1
    with acting(HUB):
        event = Event.objects.get(relocation=relocation, type="filing.corrected")
        assert event.detail["fields"] == ["new_address"]


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/kind", "IN_CITY"),
        ("/movers/0/ordinal", 2),
        ("/movers", []),
        ("/newAddress/localGovernmentCode", NAHA),
        ("/newAddress", {"localGovernmentCode": NAHA, "fullAddress": "見本"}),
        ("/nothing", "x"),
        ("/movers/9/fullName", "見本"),
        ("/remarks", 5),
    ],
)
def test_a_correction_does_not_say_who_or_where_to(pointer: str, value: Any) -> None:
    document = three()
    relocation = journeys.file(document)
    run(relocation, document, "moveout.decided")
    found = refused(relocation, HAKODATE, "correction.notified", changes=(Change(pointer, value),))
    assert found.lead.code == "E104"


def test_one_child_is_cancelled_at_the_origin_and_the_others_go_on() -> None:
    """S10: before anybody is registered at the destination."""
    document = three()
    relocation = journeys.file(document)
    run(relocation, document, "certificate.available")
    report(relocation, HAKODATE, "cancel.decided", "CANCEL_ADD", movers=(3,))
    assert states(relocation, Role.ORIGIN) == ["REGISTERED", "REGISTERED", "CANCELLED"]
    assert states(relocation, Role.DESTINATION) == ["PREPARED", "PREPARED", "CANCELLED"]
    assert [mover.ordinal for mover in content(relocation, CHIYODA, "certificate.recalled").movers] == [3]
    for town, word, outcome in (
        (CHIYODA, "arrival.visited", ""),
        (CHIYODA, "movein.decided", "REGISTERED"),
        (HAKODATE, "movein.notice_applied", ""),
        (TENRYU, "appendix.applied", ""),
    ):
        report(relocation, town, word, outcome, movers=(1, 2))
    assert state(relocation) == "SETTLED"


def test_after_the_move_in_the_destination_cancels_first() -> None:
    """S47 and order rule O7: nobody is recorded twice, and nobody nowhere."""
    document = three()
    relocation = journeys.file(document)
    journeys.settle(relocation, journeys.course(relocation, document))
    changing.withdraw(relocation.pk, journeys.CITIZEN)  # 60 after the decision is 61
    carry()
    assert told(relocation, CHIYODA)[-1] == "cancel.requested"
    assert "cancel.requested" not in told(relocation, HAKODATE)
    assert refused(relocation, HAKODATE, "cancel.decided", "CANCEL_ADD").lead.code == "E200"
    report(relocation, CHIYODA, "cancel.decided", "CANCEL_REMOVE")
    assert told(relocation, HAKODATE)[-2:] == ["cancel.requested", "movein.cancelled"]
    notice = content(relocation, TENRYU, "movein.cancelled")
    assert (notice.reason, notice.new_address) == ("CANCEL_REMOVE", None)
    assert states(relocation, Role.ORIGIN) == ["EFFECTIVE"] * 3
    report(relocation, HAKODATE, "cancel.decided", "CANCEL_ADD")
    report(relocation, TENRYU, "appendix.applied")
    assert state(relocation) == "CANCELLED"
    assert "certificate.recalled" not in told(relocation, CHIYODA)


def test_a_change_inside_a_town_is_cancelled_there() -> None:
    document = three(kind=Kind.IN_CITY, flow=Flow.NOT_APPLICABLE, planned_out_on=None)
    document = amended(document, old_address=amended_address(document))
    relocation = journeys.file(document)
    journeys.settle(relocation, journeys.course(relocation, document))
    report(relocation, CHIYODA, "cancel.decided", "CANCEL_AMENDED")
    report(relocation, TENRYU, "appendix.applied")
    assert state(relocation) == "CANCELLED"


def amended_address(document: Filing) -> Any:
    """Another address in the same town."""
    return msgspec.structs.replace(document.new_address, full_address="東京都千代田区見本町９番９号")


def test_one_mover_is_withdrawn_and_the_others_go_on() -> None:
    document = three()
    relocation = journeys.file(document)
    journeys.carry()
    journeys.fetch()
    changing.withdraw(relocation.pk, journeys.CITIZEN, movers=[2])
    carry()
    assert states(relocation, Role.ORIGIN) == ["DELIVERED", "WITHDRAWN", "DELIVERED"]
    assert told(relocation, CHIYODA) == ["arrival.planned", "withdraw.requested"]
    for town, word, outcome in (
        (HAKODATE, "moveout.reviewing", ""),
        (HAKODATE, "moveout.decided", "REGISTERED"),
    ):
        report(relocation, town, word, outcome, movers=(1, 3))
    assert state(relocation) == "MOVEOUT_ACCEPTED"
    assert [mover.ordinal for mover in content(relocation, CHIYODA, "arrival.prefill").movers] == [1, 3]


def test_who_appears_elsewhere_is_registered_there() -> None:
    """S23: Chiyoda was planned, Naha it became; the plan stays on record, the move-in notice says where."""
    document = three()
    relocation = journeys.file(document)
    run(relocation, document, "certificate.available")
    address = msgspec.to_builtins(filing(5, HAKODATE, NAHA).new_address)
    assert refused(relocation, NAHA, "arrival.diverted").lead.code == "E310"
    report(relocation, NAHA, "arrival.diverted", changes=(Change("/newAddress", address),))
    assert states(relocation, Role.DESTINATION, CHIYODA) == ["DIVERTED"] * 3
    assert told(relocation, CHIYODA)[-1] == "certificate.recalled"
    assert told(relocation, NAHA) == ["arrival.prefill"]
    assert "correction.notified" not in told(relocation, HAKODATE)
    assert refused(relocation, CHIYODA, "movein.decided", "REGISTERED").lead.code == "E200"
    report(relocation, NAHA, "movein.decided", "REGISTERED")
    notice = content(relocation, HAKODATE, "movein.notice")
    assert notice.destination == NAHA
    assert notice.new_address is not None
    assert notice.new_address.local_government_code == NAHA
    with acting(HUB):
        assert Relocation.objects.get(pk=relocation.pk).destination_id == CHIYODA  # as planned
    report(relocation, HAKODATE, "movein.notice_applied")
    report(relocation, TENRYU, "appendix.applied")
    assert state(relocation) == "SETTLED"
    # Who is registered cannot appear at a third town any more.
    late = refused(relocation, TENRYU, "arrival.diverted", changes=(Change("/newAddress", address),))
    assert late.lead.code == "E200"


def test_an_unfiled_stay_shows_at_the_counter() -> None:
    """S26: nothing was ever filed at Hakodate; Naha has the record. Chiyoda tells both."""
    document = three()
    relocation = journeys.file(document)
    run(relocation, document, "arrival.plan_ack")
    report(relocation, CHIYODA, "arrival.visited", last_registered=NAHA)
    report(relocation, CHIYODA, "movein.decided", "REGISTERED")
    assert told(relocation, NAHA) == ["movein.notice"]
    assert told(relocation, HAKODATE)[-1] == "movein.notice"
    assert content(relocation, NAHA, "movein.notice").last_registered == NAHA
    for town in (NAHA, HAKODATE):
        report(relocation, town, "movein.notice_applied")
    report(relocation, TENRYU, "appendix.applied")
    assert state(relocation) == "SETTLED"


def test_a_death_ends_the_legs_of_that_person_alone() -> None:
    """S11."""
    document = three()
    relocation = journeys.file(document)
    run(relocation, document, "certificate.available")
    report(relocation, TENRYU, "registry.change", "DEATH", movers=(2,))
    assert states(relocation, Role.DESTINATION) == ["PREPARED", "CANCELLED", "PREPARED"]
    assert states(relocation, Role.ORIGIN) == ["REGISTERED", "CLOSED", "REGISTERED"]
    assert content(relocation, CHIYODA, "certificate.recalled").reason == "DEATH"
    report(relocation, TENRYU, "registry.change", "MARRIAGE", movers=(1,))  # moves nobody
    assert states(relocation, Role.DESTINATION) == ["PREPARED", "CANCELLED", "PREPARED"]


def test_filed_too_late_is_recorded_ex_officio_and_goes_on_on_paper() -> None:
    """S16: more than 14 days after the event (standard 4.1.3.0.1)."""
    document = three()
    relocation = journeys.file(document)
    run(relocation, document, "moveout.reviewing")
    report(relocation, HAKODATE, "moveout.decided", "EX_OFFICIO")
    assert states(relocation, Role.ORIGIN) == ["EFFECTIVE"] * 3
    assert refused(relocation, HAKODATE, "certificate.available").lead.code == "E200"
    report(relocation, HAKODATE, "certificate.paper_issued")
    with acting(HUB):
        assert Relocation.objects.get(pk=relocation.pk).flow == Flow.PAPER_CERT
    report(relocation, CHIYODA, "arrival.visited")
    report(relocation, CHIYODA, "movein.decided", "PROVISIONAL")
    assert "movein.notice" not in told(relocation, HAKODATE)  # O3: never after a provisional entry
    report(relocation, CHIYODA, "movein.decided", "REGISTERED")
    assert "movein.notice" in told(relocation, HAKODATE)
