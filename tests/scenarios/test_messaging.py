"""S45 to S60: messaging and operations."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.audit.models import Entry
from hub.deliveries import windows
from hub.relocations import status
from hub.relocations.models import Relocation, Report
from municipalities.models import Outage
from municipalities.notice import Reason
from tests.conftest import front
from tests.hub import journeys
from tests.scenarios.stage import JAPAN, TARO, A, B, R, Stage, Story, day, move

pytestmark = pytest.mark.django_db


def test_s45_doubled_and_out_of_order(stage: Stage) -> None:
    story = stage.file(move())
    story.moved_out()
    story.report(B, "arrival.visited")
    # 24 comes twice under one id: one effect, and the same answer.
    twice = {"id": str(uuid4())}
    first, again = (stage.town(B).post(story, "movein.decided", "REGISTERED", **twice) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    # 26 comes while 25 still waits to be fetched, and long before its receipt.
    assert story.told(A) == ["moveout.submitted"]
    story.report(A, "movein.notice_applied")
    assert story.states(A) == ["CONFIRMED"] * 3
    assert story.told(A) == ["moveout.submitted", "movein.notice"]
    # The receipt comes at last, and once more: it changes nothing.
    notice = story.notice(A, "movein.notice").notice_id
    assert [stage.town(A).answer(notice, "registered") for _ in range(2)] == [201, 200]
    assert story.states(A) == ["CONFIRMED"] * 3
    assert story.states(B) == ["CLOSED"] * 3
    story.entered()
    assert story.state == "SETTLED"
    assert story.told(R) == ["appendix.notice"]
    audit = story.audit()
    assert (audit["movein.decided"], audit["movein.notice_applied"], audit["movein.notice.queued"]) == (1, 1, 1)
    # Another content under an id that was used is no repetition.
    other = stage.town(B).post(story, "movein.decided", "REJECTED", **twice)
    assert (other.status_code, other.json()["code"]) == (409, "E202")


def test_s46_a_notice_wanted_again_and_a_corrected_room_are_no_second_move(stage: Stage) -> None:
    story = stage.file(move())
    story.moved_out()
    story.moved_in()
    first = story.notice(A, "movein.notice")
    assert first.new_address is not None
    opened = story.tasks(B)
    room = first.new_address.full_address + "　見本荘２０２"
    story.report(B, "correction.notified", changes=[{"pointer": "/newAddress/fullAddress", "value": room}])
    # A asks for 25 again: the same notice under the same id, which A knows as a duplicate.
    wanted = {"id": str(uuid4()), "type": "resend.requested", "delivery": first.notice_id}
    assert stage.town(A).system.post("reports", wanted).status_code == 201
    stage.post()
    assert story.told(A) == ["moveout.submitted", "movein.notice", "correction.notified", "movein.notice"]
    assert story.notice(A, "movein.notice") == first
    corrected = story.notice(A, "correction.notified")
    assert corrected.new_address is not None
    assert (corrected.new_address.full_address, corrected.version, corrected.reason) == (
        room,
        2,
        Reason.ERROR_CORRECTED,
    )
    assert story.notice(R, "correction.notified").new_address == corrected.new_address
    assert story.audit()["movein.notice.queued"] == 1
    assert story.tasks(B) == opened
    assert story.events("filing.corrected") == [{"version": 2, "fields": ["new_address"]}]
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"


def test_s47_a_cancellation_after_the_move_in_begins_at_the_destination(stage: Stage) -> None:
    story = stage.file(move())
    story.moved_out()
    story.moved_in()
    story.confirmed()
    story.entered()
    assert "異動を取り消すかどうかは市区町村が決定します" in story.withdraw()
    assert story.told(B)[-1] == "cancel.requested"
    assert "cancel.requested" not in story.told(A)
    problem = story.refused(A, "cancel.decided", "CANCEL_ADD")
    assert problem["code"] == "E200"
    assert "destination" in problem["detail"]
    assert story.states(A) == ["CONFIRMED"] * 3
    story.report(B, "cancel.decided", "CANCEL_REMOVE")
    # From now on nobody is recorded at B, and A knows in the same moment.
    assert story.states(A) == ["EFFECTIVE"] * 3
    assert story.told(A)[-2:] == ["cancel.requested", "movein.cancelled"]
    assert story.notice(R, "movein.cancelled").reason == Reason.CANCEL_REMOVE
    # Until A has entered them again they are recorded nowhere: that is an exception, and stands at A's desk.
    assert story.alerts(A) == ["A427"]
    story.report(A, "cancel.decided", "CANCEL_ADD", movers=[1])
    assert story.alerts(A) == ["A427"]
    story.report(A, "cancel.decided", "CANCEL_ADD", movers=[2, 3])
    assert story.alerts(A) == []
    story.entered()
    assert story.state == "CANCELLED"
    assert (story.states(A), story.states(B)) == (["CANCELLED"] * 3, ["CANCELLED"] * 3)
    # The certificate is not recalled: B had registered, and undid it itself.
    assert "certificate.recalled" not in story.told(B)
    assert story.audit()["cancel.decided"] == 3
    assert story.told(A) == ["moveout.submitted", "movein.notice", "cancel.requested", "movein.cancelled"]
    assert story.told(R) == ["appendix.notice", "movein.cancelled"]


def test_s47_asked_at_the_counter_of_the_town_that_was_left(stage: Stage) -> None:
    """Who stands at A's counter need not go home and ask again: A says so, and B is told to decide first (O7)."""
    story = stage.file(move())
    story.moved_out()
    # Before anybody is registered A decides by itself; whom B never had it can ask for.
    assert story.refused(A, "cancel.requested")["code"] == "E200"
    story.moved_in()
    assert story.refused(B, "cancel.requested")["code"] == "E200"  # B decides
    story.confirmed()
    story.entered()
    asked: dict[str, Any] = {"id": str(uuid4()), "movers": [1, 3]}
    answers = [stage.town(A).post(story, "cancel.requested", **asked).status_code for _ in range(2)]
    assert answers == [201, 200]
    stage.post()
    assert story.told(B) == ["arrival.planned", "arrival.prefill", "cancel.requested"]
    assert [mover.ordinal for mover in story.notice(B, "cancel.requested").movers] == [1, 3]
    assert (story.told(A), story.told(R)) == (["moveout.submitted", "movein.notice"], ["appendix.notice"])
    assert (story.state, story.states(A)) == ("SETTLED", ["CONFIRMED"] * 3)
    # B refuses; asked once more it is told once more.
    story.report(B, "cancel.decided", "REFUSED", movers=[1, 3])
    story.report(A, "cancel.requested", movers=[1])
    assert story.told(B).count("cancel.requested") == 2
    story.report(A, "cancel.requested", movers=[1])
    assert story.told(B).count("cancel.requested") == 2
    story.report(B, "cancel.decided", "CANCEL_REMOVE", movers=[1])
    story.report(A, "cancel.decided", "CANCEL_ADD", movers=[1])
    assert (story.states(A), story.alerts(A)) == (["CANCELLED", "CONFIRMED", "CONFIRMED"], [])
    audit = story.audit()
    assert (audit["cancel.requested"], audit["cancel.asked"]) == (3, 2)


def test_s47_who_does_not_move_after_all_says_so_where_they_would_have_gone(stage: Stage) -> None:
    story = stage.file(move())
    assert story.refused(B, "cancel.requested")["code"] == "E200"  # nothing is decided: the filing is taken back
    story.moved_out()
    story.report(B, "cancel.requested")
    assert story.told(A) == ["moveout.submitted", "cancel.requested"]
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    story.report(A, "cancel.decided", "CANCEL_ADD")
    assert (story.state, story.told(B)[-1]) == ("CANCELLED", "certificate.recalled")


@pytest.mark.parametrize("number", ["123456789018", "１２３４　５６７８　９０１８", "1234-5678-9018"])
def test_s56_an_individual_number_in_the_remarks_is_refused_before_it_is_stored(
    stage: Stage, caplog: pytest.LogCaptureFixture, number: str
) -> None:
    document = move(remarks=f"番号は{number}です。")
    answer = front().post("relocations", msgspec.to_builtins(document), Idempotency_Key=str(uuid4()))
    assert answer.status_code == 422
    problem = answer.json()
    assert (problem["code"], problem["pointer"]) == ("E140", "/remarks")
    assert "個人番号・住民票コード・基礎年金番号を消してください" in problem["remedy"]
    assert number not in answer.content.decode()
    assert number not in caplog.text
    with acting(HUB):
        assert not Relocation.objects.exists()
        assert not Report.objects.exists()
        assert not Entry.objects.filter(action__startswith="filing").exists()
    # A number of twelve digits that is none goes through.
    told = stage.file(move(remarks="お客様番号は123456789012です。"))
    assert told.notice(A, "moveout.submitted").remarks == "お客様番号は123456789012です。"


def test_s48_a_town_is_closed_for_half_a_day(stage: Stage) -> None:
    stage.at("2026-04-01", "09:00")
    opens = datetime(2026, 4, 1, 15, 0, tzinfo=JAPAN)
    with acting(journeys.system(B)):
        windows.announce(B, timezone.now(), opens)
    people = [msgspec.structs.replace(TARO, full_name=f"見本　{name}") for name in ("一", "二", "三", "四", "五", "六")]
    stories = [stage.file(move(one), f"citizen-{number}") for number, one in enumerate(people)]
    for story in stories:
        # The hub and A have it; B will, and the page says when.
        assert story.told(A) == ["moveout.submitted"]
        assert story.told(B) == []
        assert story.row.filed_on == day("2026-04-01")
        assert "15:00" in story.page()
        assert "お急ぎの場合は、窓口で紙の届出ができます。" in story.page()
        # The days run from what was filed, whenever B gets to know of it.
        assert story.deadline("C14")[0] == day("2026-04-15")
    # What A decides meanwhile waits as well, behind what came before.
    stories[0].moved_out()
    assert stories[0].told(B) == []
    waiting = stage.town(B).system.get("lane").json()
    assert waiting["waiting"] == len(stories) + 1
    # Operators see how much waits, and for how long.
    operator = User.objects.create(username="operator", is_staff=True, is_operator=True)
    lane = stage.client(operator).get(f"/admin/deliveries/lane/?q={B}").content.decode()
    assert f'field-waiting">{len(stories) + 1}<' in lane
    # What alarms are made of says it without anybody's name.
    alarms = stage.client(operator).get("/metrics").content.decode()
    assert f'hub_deliveries{{state="queued",cause=""}} {len(stories) + 1}\n' in alarms
    stage.at("2026-04-01", "15:30")
    stage.post()
    assert stories[0].told(B) == ["arrival.planned", "arrival.prefill"]
    assert all(story.told(B) == ["arrival.planned"] for story in stories[1:])
    ids = [notice.notice_id for notice in stage.town(B).inbox]
    assert len(ids) == len(set(ids)) == len(stories) + 1
    assert stage.town(B).system.get("lane").json()["waiting"] == 0


def test_s49_the_statutory_line_is_down(stage: Stage) -> None:
    names = [msgspec.structs.replace(TARO, full_name=f"見本　{name}") for name in ("一", "二")]
    waits, goes_on = (stage.file(move(one), f"citizen-{one.full_name[-1]}") for one in names)
    for story in (waits, goes_on):
        story.moved_out()
    operator = User.objects.create(username="operator", is_staff=True, is_operator=True)
    entered = {"municipality": "", "since_0": "2026-03-16", "since_1": "08:00", "until_0": "", "until_1": ""}
    stage.at("2026-03-16", "08:30")
    assert stage.client(operator).post("/admin/municipalities/outage/add/", entered).status_code == 302
    stage.at("2026-03-16", "09:00")
    clerk = stage.clerk(B)
    for story in (waits, goes_on):
        story.report(B, "arrival.visited")
        assert story.alerts(B) == ["A422"]
        assert "住基ネット" in story.page()
        assert since(story) == {A: "2026-03-16T08:00:00+09:00", B: "2026-03-16T08:00:00+09:00"}
        shown = clerk.get(f"/admin/relocations/relocation/{story.relocation.pk}/change/").content.decode()
        assert "利用できません" in shown
        # The working copy is there, and is no certificate: nothing is registered by it.
        assert story.told(B) == ["arrival.planned", "arrival.prefill"]
        problem = story.refused(B, "movein.decided", "REGISTERED")
        assert (problem["code"], "paper" in problem["detail"]) == ("E200", True)
        assert story.states(B) == ["AT_COUNTER"]
    # The one brings the certificate on paper, which the town left issues meanwhile; the other waits.
    goes_on.report(A, "certificate.paper_issued")
    goes_on.report(B, "movein.decided", "REGISTERED")
    assert (goes_on.states(B), waits.states(B)) == (["NOTIFIED"], ["AT_COUNTER"])
    stage.at("2026-03-16", "15:01")
    ended = entered | {"until_0": "2026-03-16", "until_1": "15:00"}
    row = Outage.objects.get()
    assert stage.client(operator).post(f"/admin/municipalities/outage/{row.pk}/change/", ended).status_code == 302
    stage.at("2026-03-16", "15:05")
    # Everything is as before, without anybody's help.
    assert (waits.alerts(B), goes_on.alerts(B)) == ([], [])
    assert "住基ネット" not in waits.page()
    assert since(waits) == {}
    waits.report(B, "movein.decided", "REGISTERED")
    for story in (waits, goes_on):
        story.confirmed()
        story.entered()
        assert story.state == "COMPLETE"


def since(story: Story) -> dict[str, str]:
    """Since when the line is down, by town, as the partner's API says it."""
    with acting(story.citizen.actor):
        document = status.document(story.relocation.pk)
    return {
        leg["municipality"]: leg["line_down_since"].astimezone(JAPAN).isoformat()
        for leg in document["legs"]
        if leg["line_down_since"]
    }


def test_a_cancellation_is_asked_for_again_after_a_refusal(stage: Stage) -> None:
    story = stage.file(move())
    story.moved_out()
    for _ in range(2):  # asked twice, told once
        story.withdraw()
    assert story.told(A).count("cancel.requested") == 1
    story.report(A, "cancel.decided", "REFUSED")
    assert story.states(A) == ["REGISTERED"] * 3
    for _ in range(2):
        story.withdraw()
    assert story.told(A).count("cancel.requested") == 2
    story.report(A, "cancel.decided", "CANCEL_ADD")
    assert story.state == "CANCELLED"
