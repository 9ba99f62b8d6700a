"""S01 to S11: households and persons."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.urls import reverse

from hub import catalogue
from hub.actors import HUB, acting
from hub.duplicates.models import Case
from hub.procedures.models import Task
from hub.relocations.filing import Filer
from hub.relocations.models import Relocation, Report, Version
from hub.vault import cipher
from hub.vault import services as vault
from municipalities.notice import HouseholdJoined, HouseholdLeft, Reason, Role, Scope, Sex, UncertainDate
from tests.conftest import front
from tests.hub import family
from tests.hub.visitor import Visitor
from tests.scenarios.stage import (
    HANAKO,
    ICHIRO,
    TARO,
    A,
    B,
    C,
    R,
    Stage,
    born,
    day,
    move,
    person,
)

pytestmark = pytest.mark.django_db


def test_s03_a_grandchild_and_a_mother_in_law_are_said_in_the_words_of_the_standard(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    grandchild = person(2, "見本　三郎", "孫", relation_from=("子",), date_of_birth=born(2020))
    mother = person(3, "試験　春子", "義母", relation_from=("世帯主",), date_of_birth=born(1950), sex=Sex.FEMALE)
    document = move(TARO, grandchild, mother)
    answer = front().post("relocations", msgspec.to_builtins(document), Idempotency_Key=str(uuid4()))
    assert answer.status_code == 422
    found = {(one["code"], one["pointer"]) for one in answer.json()["errors"]}
    assert found == {("E303", "/movers/1/relationTo"), ("E303", "/movers/2/relationTo")}
    with acting(HUB):
        assert not Relocation.objects.exists()
    # The form leaves no room for them: it is built of the standard's links.
    dates = {"planned_out_on": "2026-03-15", "living_from": "2026-03-16"}
    monkeypatch.setattr(family, "WHEN", family.WHEN | dates)
    visitor = Visitor(stage.client(family.citizen()))
    family.to_person(visitor)
    assert not {"孫", "義母"} & set(visitor.page.options["relation_to_1"])
    assert {"子", "妻", "母"} <= set(visitor.page.options["relation_to_1"])
    assert {"子", "母"} <= set(visitor.page.options["relation_to_2"])
    chains = [("世帯主",), ("子", "子"), ("妻", "母")]
    movers = [
        msgspec.structs.replace(mover, relation_to=chain) for mover, chain in zip(document.movers, chains, strict=True)
    ]
    story = stage.file(move(*movers))
    story.moved_out()
    assert [mover.relation_to for mover in story.notice(B, "arrival.prefill").movers] == chains
    # Where they go it matters how they stand to the head there; where they leave, how they stood.
    left = story.notice(A, "moveout.submitted").movers
    assert [mover.relation_to for mover in left] == [()] * 3
    assert [mover.relation_from for mover in left] == [mover.relation_from for mover in movers]
    assert (story.alerts(A), story.alerts(B), story.state) == ([], [], "MOVEOUT_ACCEPTED")


def test_s10_of_a_household_that_left_one_child_comes_back(stage: Stage) -> None:
    story = stage.file(move())
    story.moved_out()
    story.report(A, "moveout.effective")
    assert story.states(A) == ["EFFECTIVE"] * 3
    opened = story.tasks(A)
    story.report(A, "cancel.decided", "CANCEL_ADD", movers=[3])
    # What was told so far: A and B of the filing, R of nothing, for nobody is registered at B yet.
    assert story.told(A) == ["moveout.submitted"]
    assert story.told(B) == ["arrival.planned", "arrival.prefill", "certificate.recalled"]
    assert story.told(R) == []
    assert (story.alerts(A), story.alerts(B)) == ([], [])
    # A knows from the filing that the whole household had left, which makes it a household of its own there.
    left = story.notice(A, "moveout.submitted")
    assert (left.scope, left.household_left and left.household_left.remaining_count) == (Scope.WHOLE, 0)
    # The child's procedures come to nothing, those of the parents stand; so do their days.
    with acting(HUB):
        tasks = list(Task.objects.filter(relocation_id=story.relocation.pk))
    assert {task.state for task in tasks if task.ordinal == 3} <= {"SUPERSEDED"}
    assert "SUPERSEDED" not in {task.state for task in tasks if task.ordinal != 3}
    assert opened
    assert story.deadline("C14")[2] == "RUNNING"
    # The child is entered again at A; whether in a household number of its own, A alone knows.
    assert story.states(A) == ["EFFECTIVE", "EFFECTIVE", "CANCELLED"]
    assert story.states(B) == ["PREPARED", "PREPARED", "CANCELLED"]
    recalled = story.notice(B, "certificate.recalled")
    assert [mover.ordinal for mover in recalled.movers] == [3]
    assert recalled.reason == Reason.CANCEL_ADD
    assert story.state == "AWAITING_ARRIVAL"
    story.moved_in(movers=[1, 2])
    assert story.refused(B, "movein.decided", "REGISTERED", movers=[3])["code"] == "E200"
    assert [mover.ordinal for mover in story.notice(A, "movein.notice").movers] == [1, 2]
    story.confirmed(movers=[1, 2])
    story.entered(movers=[1, 2])
    assert story.state == "COMPLETE"
    assert story.states(R, Role.DOMICILE) == ["APPLIED", "APPLIED", "CANCELLED"]
    assert [mover.ordinal for mover in story.notice(R, "appendix.notice").movers] == [1, 2]
    assert (story.told(A), story.told(R)) == (["moveout.submitted", "movein.notice"], ["appendix.notice"])
    audit = story.audit()
    assert (audit["cancel.decided"], audit["certificate.recalled.queued"], audit["movein.notice.queued"]) == (1, 1, 1)


def test_s11_a_death_before_the_arrival(stage: Stage) -> None:
    story = stage.file(move())
    story.moved_out()
    stage.at("2026-03-15")
    story.report(R, "registry.change", "DEATH", movers=[2], legal_date="2026-03-15")
    assert (story.alerts(A), story.alerts(B), story.alerts(R)) == (["A423"], ["A423"], [])
    assert story.states(B) == ["PREPARED", "CANCELLED", "PREPARED"]
    assert story.states(A) == ["REGISTERED", "CLOSED", "REGISTERED"]
    recalled = story.notice(B, "certificate.recalled")
    assert ([mover.ordinal for mover in recalled.movers], recalled.reason) == ([2], Reason.DEATH)
    with acting(HUB):
        tasks = list(Task.objects.filter(relocation_id=story.relocation.pk))
    assert {task.state for task in tasks if task.ordinal == 2} <= {"SUPERSEDED"}
    assert {task.state for task in tasks if task.ordinal != 2} - {"SUPERSEDED"}
    # The others go on; nothing more is told or asked of the one who died.
    dead = story.refused(B, "arrival.visited", movers=[2])
    assert (dead["code"], dead["pointer"], dead["title"]) == ("E301", "/movers", "死亡、職権消除または転出済みの方です")
    assert story.refused(B, "arrival.visited")["code"] == "E301"  # all of them together
    story.moved_in(movers=[1, 3])
    story.confirmed(movers=[1, 3])
    story.entered(movers=[1, 3])
    assert story.state == "SETTLED"
    assert [mover.ordinal for mover in story.notice(A, "movein.notice").movers] == [1, 3]
    assert [mover.ordinal for mover in story.notice(R, "appendix.notice").movers] == [1, 3]
    assert (story.told(A), story.told(R)) == (["moveout.submitted", "movein.notice"], ["appendix.notice"])
    assert story.told(B) == ["arrival.planned", "arrival.prefill", "certificate.recalled"]
    assert story.refused(R, "appendix.applied", movers=[2])["code"] == "E301"
    # Nobody is reminded of the one who died: neither on the day that was planned nor when nobody has come for long.
    stage.at("2026-10-30")
    assert not {"A404", "A408", "A411"} & {*story.alerts(A), *story.alerts(B)}
    assert not [event for event in story.events("deadline.near") if 2 in event["movers"]]
    assert not [event for event in story.events("deadline.passed") if 2 in event["movers"]]


def test_s11_nobody_notifies_the_agency_of_a_move_of_someone_who_died(stage: Stage) -> None:
    foreigner = msgspec.structs.replace(TARO, nationality="FRA", registry=None)
    planned: dict[str, Any] = {"planned_out_on": day("2026-03-16"), "living_from": day("2026-03-16")}
    another = msgspec.structs.replace(foreigner, full_name="試験　太郎")
    story, other = stage.file(move(foreigner, **planned), "one"), stage.file(move(another, **planned), "another")
    for one in (story, other):
        one.moved_out()
    story.report(A, "registry.change", "DEATH", legal_date="2026-03-11")
    # Whom it was reported by knows.
    assert (story.alerts(A), story.alerts(B)) == ([], ["A423"])
    stage.at("2026-03-16")
    assert ("A418" in story.alerts(A), "A418" in other.alerts(A)) == (False, True)


def test_what_is_known_of_the_family_register_reaches_the_towns_that_keep_the_records(stage: Stage) -> None:
    """Message 33 (Act Art. 9(2)): R knows of a death or a marriage first; the record is kept elsewhere."""
    story = stage.file(move())
    story.report(A, "moveout.reviewing")
    story.report(R, "registry.change", "DEATH", movers=[2])
    assert (story.alerts(A), story.alerts(B)) == (["A423"], ["A423"])
    story.report(R, "registry.change", "MARRIAGE", movers=[1])
    story.report(R, "registry.change", "MARRIAGE", movers=[3])
    assert (story.alerts(A), story.alerts(B)) == (["A423", "A424", "A424"],) * 2
    desk = stage.clerk(A).get(reverse("admin:relocations_alert_changelist")).content.decode()
    assert "A423 異動者が死亡したとの連絡がありました" in desk
    assert HANAKO.full_name not in desk
    assert story.states(A) == ["PROVISIONAL", "CANCELLED", "PROVISIONAL"]


def test_s01_the_head_leaves_and_two_remain(stage: Stage) -> None:
    left = HouseholdLeft(head_name=TARO.full_name, head_moves=True, remaining_count=2)
    document = move(TARO, scope=Scope.PART, household_left=left)
    # Who becomes head is asked; «we have not decided» is an answer.
    answer = front().post("relocations", msgspec.to_builtins(document), Idempotency_Key=str(uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (422, "E302")
    assert answer.json()["pointer"] == "/householdLeft/newHeadName"
    story = stage.file(msgspec.structs.replace(document, head_undecided=True))
    assert story.alerts(A) == ["A414"]
    asked = story.looked_at(A, "A414")
    assert "世帯主が転出し、二人以上が残ります" in asked
    assert "先に世帯主変更を行うか不要と判断し" in asked
    assert (story.told(A), story.told(B), story.told(R)) == (["moveout.submitted"], ["arrival.planned"], [])
    assert story.alerts(B) == []
    story.report(A, "moveout.reviewing")
    problem = story.refused(A, "moveout.decided", "REGISTERED")
    assert (problem["code"], problem["pointer"]) == ("E302", "/head_change")
    assert story.states(A) == ["PROVISIONAL"]
    assert (story.told(B), story.events("head.changed")) == (["arrival.planned"], [])
    story.report(A, "moveout.decided", "REGISTERED", head_change="DONE")
    assert story.events("head.changed") == [{"how": "DONE", "movers": [1]}]
    assert (story.audit()["head.changed"], story.audit()["alert.settled"]) == (1, 1)
    assert story.states(A) == ["REGISTERED"]
    assert story.alerts(A) == []
    # How those who remain stand to the new head, A alone says: the hub tells of nobody but who moves.
    told = story.notice(A, "moveout.submitted")
    assert [mover.full_name for mover in told.movers] == [TARO.full_name]
    assert told.household_left == left
    assert story.notice(B, "arrival.prefill").household_left is None
    # Waiving does as well, where the clerk finds that nothing is to be changed.
    another = (msgspec.structs.replace(TARO, full_name="試験　太郎"),)
    other = stage.file(msgspec.structs.replace(document, movers=another, head_undecided=True), "another")
    other.report(A, "moveout.reviewing")
    other.report(A, "moveout.decided", "REGISTERED", head_change="WAIVED")
    assert other.states(A) == ["REGISTERED"]
    # Whom the filer names is the change of head that is proposed: A's clerk is told so too, and of whom.
    named = msgspec.structs.replace(left, new_head_name=HANAKO.full_name)
    third = (msgspec.structs.replace(TARO, full_name="試験　次郎"),)
    proposed = stage.file(msgspec.structs.replace(document, movers=third, household_left=named), "third")
    assert (proposed.alerts(A), proposed.alerts(B)) == (["A414"], [])
    assert proposed.notice(A, "moveout.submitted").household_left == named
    assert HANAKO.full_name.encode() not in msgspec.json.encode(proposed.notice(B, "arrival.planned"))


def test_s02_the_head_leaves_and_one_remains(stage: Stage) -> None:
    left = HouseholdLeft(head_name=TARO.full_name, head_moves=True, remaining_count=1)
    story = stage.file(move(TARO, scope=Scope.PART, household_left=left))
    # Nothing is asked and no filing of a change of household is demanded: A makes the one the head ex officio.
    assert story.alerts(A) == []
    story.report(A, "moveout.reviewing")
    assert story.refused(A, "moveout.decided", "REGISTERED", new_head=HANAKO.full_name)["pointer"] == "/new_head"
    head = {"head_change": "EX_OFFICIO", "new_head": HANAKO.full_name}
    decided = story.report(A, "moveout.decided", "REGISTERED", **head)
    story.report(A, "certificate.available")
    assert [event["how"] for event in story.events("head.changed")] == ["EX_OFFICIO"]
    with acting(HUB):  # who it is, only the sealed report says
        row = Report.objects.get(pk=decided)
        said = cipher.unseal(vault.open_one(story.relocation.pk), bytes(row.body), row.identity)
    assert msgspec.json.decode(said)["new_head"] == HANAKO.full_name
    assert story.states(A) == ["REGISTERED"]
    assert story.notice(A, "moveout.submitted").household_left == left
    assert "世帯主変更" not in story.page()
    story.moved_in()
    story.confirmed()
    story.entered()
    assert story.state == "COMPLETE"
    assert story.told(A) == ["moveout.submitted", "movein.notice"]
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    assert story.told(R) == ["appendix.notice"]
    assert (story.alerts(A), story.alerts(B), story.audit()["head.changed"]) == ([], [], 1)
    with acting(HUB):
        assert Relocation.objects.count() == 1


def test_s05_joining_an_existing_household(stage: Stage) -> None:
    hanako = msgspec.structs.replace(HANAKO, relation_from=("子",), relation_to=(), presents_card=True)
    joined = HouseholdJoined(head_name="試験　次郎", existing=True)
    story = stage.file(move(hanako, household_joined=joined, filer=Filer()))
    assert story.state == "CONSENT_PENDING"
    assert (story.told(A), story.told(B)) == ([], [])
    (asked,) = family.waiting(story.relocation)
    head = stage.client(family.citizen("head"))
    page = Visitor(head).open(family.link_of(asked)).text
    # The head of the household sees who would join, and nothing else of the filing.
    assert "見本 花子" in page
    assert "試験町" not in page
    assert head.post(family.link_of(asked), {"go": "agree"}).status_code == 302
    stage.post()
    assert story.told(A) == ["moveout.submitted"]
    story.moved_out()
    prefill = story.notice(B, "arrival.prefill")
    assert prefill.household_joined == joined
    # The relation to the new head is asked by B; the one to the old head is copied nowhere.
    assert [mover.relation_to for mover in prefill.movers] == [()]
    assert [mover.relation_from for mover in prefill.movers] == [()]
    assert story.notice(A, "moveout.submitted").household_joined is None
    story.moved_in()
    story.confirmed()
    story.entered()
    assert story.state == "COMPLETE"
    assert story.audit()["consent.confirmed"] == 1


def test_s07_the_parents_file_contradictory_moves_for_one_child(stage: Stage) -> None:
    mother = msgspec.structs.replace(HANAKO, presents_card=True)
    fathers = stage.file(move(TARO, ICHIRO), "father")
    stage.at("2026-03-11")
    mothers = stage.file(move(mother, ICHIRO, destination=C), "mother")
    # Both are received as filed, and neither page says that there is another.
    assert (fathers.states(A), mothers.states(A)) == (["DELIVERED"] * 2, ["DELIVERED"] * 2)
    assert "那覇市" not in fathers.page()
    assert "千代田区" not in mothers.page()
    for story in (fathers, mothers):
        assert not [event for event in story.audit() if "duplicate" in event]
    desk = stage.clerk(A)
    assert "重複の疑い" in desk.get(reverse("admin:index")).content.decode()
    with acting(HUB):
        case = Case.objects.get()
    page = desk.get(reverse("admin:duplicates_case_change", args=[case.pk])).content.decode()
    assert fathers.receipt_no in page
    assert mothers.receipt_no in page
    assert "A402 同姓同名" in page
    assert "A417 内容の食い違う届出" in page
    for code in (B, C):
        others = stage.clerk(code).get(reverse("admin:duplicates_case_changelist"))
        assert fathers.receipt_no not in others.content.decode()
    # One move-out of the child alone is registered; the other parent may go without it.
    fathers.moved_out()
    mothers.report(A, "moveout.reviewing")
    assert mothers.refused(A, "moveout.decided", "REGISTERED")["code"] == "E306"
    mothers.report(A, "moveout.decided", "REGISTERED", movers=[1])
    assert (fathers.states(A), mothers.states(A)) == (["REGISTERED"] * 2, ["REGISTERED", "PROVISIONAL"])
    for story, place in ((fathers, "那覇市"), (mothers, "千代田区")):
        text = story.page()
        assert place not in text
        assert "E306" not in text
    # The child's part is not decided and is taken back at once; of her own a cancellation is asked for.
    mothers.withdraw()
    assert mothers.states(A) == ["REGISTERED", "WITHDRAWN"]
    assert mothers.told(A)[-2:] == ["withdraw.requested", "cancel.requested"]
    assert [[mover.ordinal for mover in mothers.notice(A, type_).movers] for type_ in ("cancel.requested",)] == [[1]]
    mothers.withdraw()
    assert mothers.told(A).count("cancel.requested") == 1
    mothers.report(A, "cancel.decided", "CANCEL_ADD", movers=[1])
    assert mothers.state == "WITHDRAWN"
    assert fathers.states(A) == ["REGISTERED"] * 2


def test_s08_a_child_has_the_only_card(stage: Stage) -> None:
    child = msgspec.structs.replace(ICHIRO, presents_card=True, date_of_birth=born(2016))
    document = move(msgspec.structs.replace(TARO, presents_card=False), HANAKO, child)
    answer = front().post("relocations", msgspec.to_builtins(document), Idempotency_Key=str(uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (422, "E311")
    assert answer.json()["pointer"] == "/movers/2/presentsCard"
    # The way that is left, in both languages; and no part of a record is kept.
    entry = catalogue.entry("E311")
    assert (entry.remedy_ja, "counter or by post" in entry.remedy_en) == (answer.json()["remedy"], True)
    assert all(word in entry.remedy_ja for word in ("窓口", "郵送", "紙の転出証明書"))
    with acting(HUB):
        assert not Relocation.objects.exists()
        assert not Version.objects.exists()
    # The form says so before anything about a person is asked.
    visitor = Visitor(stage.client(family.citizen()))
    family.to_when(visitor)
    visitor.press(planned_out_on="2026-03-15", living_from="2026-03-16", flow="CHILD_CARD")
    assert "15歳未満の方のカードでは届け出られません" in visitor.page.text
    assert "郵送" in visitor.page.text
    assert "full_name" not in visitor.page.values
    # At fifteen the same card does, the day before the birthday.
    grown = msgspec.structs.replace(child, date_of_birth=UncertainDate(year=2011, month=3, day=11))
    story = stage.file(move(msgspec.structs.replace(TARO, presents_card=False), HANAKO, grown))
    assert story.states(A) == ["DELIVERED"] * 3


def test_s09_one_card_that_is_not_the_heads_for_the_whole_family(stage: Stage) -> None:
    father = msgspec.structs.replace(TARO, presents_card=False)
    mother = msgspec.structs.replace(HANAKO, presents_card=True)
    story = stage.file(move(father, mother, ICHIRO))
    # Accepted; whether the exemption covers those without a card B's clerk is to judge, and nobody else.
    assert story.states(A) == ["DELIVERED"] * 3
    assert (story.alerts(A), story.alerts(B)) == ([], ["A410"])
    desk = stage.clerk(B).get(reverse("admin:relocations_alert_changelist")).content.decode()
    assert "カードを持たない方に特例が及ぶか確認が必要です" in desk
    story.moved_out()
    assert [mover.presents_card for mover in story.notice(B, "arrival.prefill").movers] == [False, True, False]
    # Until B's clerk decides otherwise each of them goes the way that was filed, and may be given paper apart.
    assert story.flows() == ["CARD_SPECIAL"] * 3
    assert "カードを" in story.page()
    story.moved_in()
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"
    assert story.alerts(B) == ["A410"]
    assert story.told(A) == ["moveout.submitted", "movein.notice"]
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    assert story.told(R) == ["appendix.notice"]
