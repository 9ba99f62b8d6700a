"""S32 and S33: foreign residents."""

import msgspec
import pytest

from hub.actors import HUB, acting
from hub.duplicates.models import Case
from hub.relocations.models import Alert
from municipalities.notice import Calendar, PreferredName, Residence, Sex, UncertainDate
from tests.scenarios.stage import TARO, A, B, R, Stage, day, move, person

pytestmark = pytest.mark.django_db

STAY = Residence(category="mid_long_term", status="永住者", expires_on=day("2029-12-31"))
HISTORY = ("2019-05-01 012025 記載 見本　太郎",)
FOREIGNER = person(
    1,
    "MIHON TARO",
    "世帯主",
    full_name_roman="MIHON TARO",
    full_name_kana="ミホン　タロウ",
    alternative_name="見本　太郎",
    alternative_name_kana="ミホン　タロウ",
    alternative_name_history=HISTORY,
    preferred_name=PreferredName.ALIAS,
    nationality="USA",
    registry=None,
    residence=STAY,
    presents_card=True,
    date_of_birth=UncertainDate(year=1985, month=7, day=1, calendar=Calendar.WESTERN),
)


def test_s32_alias_and_roman_name_travel_with_their_history(stage: Stage) -> None:
    story = stage.file(move(FOREIGNER))
    story.moved_out()
    for code, type_ in ((A, "moveout.submitted"), (B, "arrival.prefill")):
        for record in (story.notice(code, type_), story.written(code, type_)[1]):
            mover = record.movers[0]
            assert (mover.full_name_roman, mover.alternative_name) == ("MIHON TARO", "見本　太郎")
            assert mover.preferred_name == PreferredName.ALIAS
            assert mover.alternative_name_history == HISTORY
            assert (mover.registry, mover.residence) == (None, STAY)
    # Who is typed with small letters and other spaces is the same person to look for; the record keeps what was typed.
    typed = "Mihon　Taro"
    again = stage.file(move(msgspec.structs.replace(FOREIGNER, full_name=typed)), "another")
    assert again.notice(A, "moveout.submitted").movers[0].full_name == typed
    with acting(HUB):
        assert {row.relocation_id for row in Case.objects.get().members.all()} == {
            story.relocation.pk,
            again.relocation.pk,
        }
    # Nobody keeps a family register of a foreign resident.
    story.moved_in()
    story.confirmed()
    assert story.state == "COMPLETE"
    assert story.told(R) == []
    assert (story.told(A), story.told(B)) == (
        ["moveout.submitted", "movein.notice"],
        ["arrival.planned", "arrival.prefill"],
    )


def test_s33_no_proof_of_the_relation(stage: Stage) -> None:
    wife = msgspec.structs.replace(
        FOREIGNER,
        ordinal=2,
        full_name="MIHON HANA",
        full_name_roman="MIHON HANA",
        alternative_name="",
        alternative_name_kana="",
        alternative_name_history=(),
        preferred_name=PreferredName.NAME,
        sex=Sex.FEMALE,
        relation_from=("縁故者",),
        relation_to=("縁故者",),
        presents_card=False,
    )
    story = stage.file(move(FOREIGNER, wife))
    # Not blocked: B's clerk is told that a document with its translation is missing.
    assert (story.alerts(A), story.alerts(B)) == ([], ["A412"])
    asked = story.looked_at(B, "A412")
    assert "文書と訳文が示されるまで縁故者としてください" in asked
    story.moved_out()
    assert [mover.relation_to for mover in story.notice(B, "arrival.prefill").movers] == [("世帯主",), ("縁故者",)]
    story.moved_in()
    assert story.states(B) == ["NOTIFIED"] * 2
    before = story.tasks(B)
    # The proof comes later: a correction, and no move.
    stage.at("2026-04-20")
    story.report(B, "correction.notified", changes=[{"pointer": "/movers/1/relationTo", "value": ["妻"]}])
    assert story.events("filing.corrected") == [{"version": 2, "fields": ["movers.relation_to"]}]
    assert story.told(A) == ["moveout.submitted", "movein.notice", "correction.notified"]
    assert (story.told(B), story.told(R)) == (["arrival.planned", "arrival.prefill"], [])
    assert story.tasks(B) == before
    story.confirmed()
    assert story.state == "COMPLETE"
    audit = story.audit()
    assert (audit["movein.decided"], audit["movein.notice.queued"], audit["filing.corrected"]) == (1, 1, 1)


def test_o9_the_origin_is_told_on_the_planned_day_to_notify_the_agency(stage: Stage) -> None:
    story = stage.file(move(TARO, FOREIGNER, planned_out_on=day("2026-03-20"), living_from=day("2026-03-25")))
    story.moved_out()
    stage.at("2026-03-19")
    assert story.alerts(A) == []
    stage.at("2026-03-20", "00:30")
    stage.at("2026-03-20")
    assert (story.alerts(A), story.alerts(B)) == (["A418"], [])
    with acting(HUB):
        assert Alert.objects.get(relocation=story.relocation, code="A418").ordinals == [2]
    # The hub notifies nobody; the town does.
    assert [notice.type for notice in story.inbox(A)] == ["moveout.submitted"]
