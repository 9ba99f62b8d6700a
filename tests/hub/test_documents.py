"""Message 16 through the doors: papers of the origin reach the departments of the destination, and nobody else."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils import translation

from hub.actors import HUB, acting
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.procedures.models import DocumentSheet
from hub.relocations.models import Event, Relocation
from municipalities.models import Connection
from municipalities.notice import Notice
from tests.conftest import CHIYODA, HAKODATE, NAHA, town
from tests.hub import journeys
from tests.hub.test_procedure_tasks import accepted, desk, family, moved_in, procedure, settle, tasks, told

pytestmark = pytest.mark.django_db


def hand_over(relocation: Relocation, *documents: dict[str, Any], code: str = HAKODATE, **more: Any) -> Any:
    """The origin's system reports which papers it handed over."""
    body = {"id": str(uuid4()), "type": "moveout.transfer_docs", "receipt_no": relocation.receipt_no}
    return town(code).post("reports", body | {"documents": list(documents)} | more)


def paper(number: str, reference: str, mover: int | None = None) -> dict[str, Any]:
    """One document of the report."""
    return {"procedure": number, "reference": reference} | ({} if mover is None else {"mover": mover})


def asked(relocation: Relocation, type_: str, code: str, number: str) -> list[Notice]:
    """What the town's departments were told of one procedure."""
    return [notice for _, notice in told(relocation, type_, code) if procedure(notice) == number]


def documents_of(notice: Notice) -> str:
    """Which papers a notice names."""
    assert notice.task is not None
    return notice.task.documents


@pytest.mark.parametrize("layout", ["gif_json", "juki_list_csv", "mainframe_cp932", "vendor_j_records"])
def test_a_task_opens_with_the_papers_that_were_handed_over_before(layout: str) -> None:
    Connection.objects.filter(municipality=CHIYODA).update(standard=layout)
    document = family()
    relocation = accepted(document)
    answer = hand_over(relocation, paper("F12", "K-4500/1", 2), paper("F12", "K-4500/2", 2), paper("F01", "9-77"))
    assert answer.status_code == 201, answer.content
    assert told(relocation, "moveout.transfer_docs", CHIYODA) == []  # nothing is open there yet
    settle(relocation, journeys.course(relocation, document))
    [school] = asked(relocation, "task.opened", CHIYODA, "F12")
    assert documents_of(school) == "2:K-4500/1 2:K-4500/2"
    [insurance] = asked(relocation, "task.opened", CHIYODA, "F01")
    assert documents_of(insurance) == "1:9-77 2:9-77"
    [allowance] = asked(relocation, "task.opened", CHIYODA, "F08")
    assert documents_of(allowance) == ""
    assert told(relocation, "moveout.transfer_docs", CHIYODA) == []


def test_a_department_that_was_told_before_gets_a_further_notice_and_one_only() -> None:
    relocation = moved_in(family())
    task = tasks(relocation)["F12.enter", 2]
    for _ in range(2):  # said twice by the town, under two ids
        assert hand_over(relocation, paper("F12", "K-4500", 2)).status_code == 201
    [notice] = asked(relocation, "moveout.transfer_docs", CHIYODA, "F12")
    assert (documents_of(notice), notice.refers_to) == ("2:K-4500", str(task.delivery_id))
    assert [(mover.ordinal, mover.date_of_birth, mover.coverage) for mover in notice.movers] == [(2, None, None)]
    assert (notice.new_address, notice.old_address) == (None, None)
    assert hand_over(relocation, paper("F12", "K-4501", 2)).status_code == 201  # what is said last counts
    assert [documents_of(one) for one in asked(relocation, "moveout.transfer_docs", CHIYODA, "F12")] == [
        "2:K-4500", "2:K-4501",
    ]  # fmt: skip
    settle(relocation, [])
    with acting(HUB):
        [*rows] = Delivery.objects.filter(relocation_id=relocation.pk, type="moveout.transfer_docs")
        assert {row.municipality_id for row in rows} == {CHIYODA}
        assert {row.state for row in rows} == {"sent"}
        others = Delivery.objects.filter(relocation_id=relocation.pk).exclude(municipality=CHIYODA)
        assert not any("K-450" in str(deliveries.notice_of(row)) for row in others)


def test_papers_stand_sealed_and_only_the_tasks_own_clerks_read_them() -> None:
    relocation = moved_in(family())
    hand_over(relocation, paper("F12", "K-4500", 2))
    task = tasks(relocation)["F12.enter", 2]
    path = f"/admin/procedures/task/{task.pk}/change/"
    own, other = desk(CHIYODA), tasks(relocation)["F01.gain", 1]
    with translation.override("ja"):
        assert "2:K-4500" in own.get(path).content.decode()
        assert "K-4500" not in own.get(f"/admin/procedures/task/{other.pk}/change/").content.decode()
        for code in (HAKODATE, NAHA):
            assert "K-4500" not in desk(code).get(path, follow=True).content.decode()
    with acting(HUB):
        assert not any("K-4500" in str(event.detail) for event in Event.objects.filter(relocation=relocation))
        [sheet] = DocumentSheet.objects.filter(relocation_id=relocation.pk)
        assert b"4500" not in bytes(sheet.body)
    with acting(journeys.system(CHIYODA)):
        assert not DocumentSheet.objects.exists()


def test_what_cannot_be_handed_over_is_refused_by_its_pointer() -> None:
    relocation = accepted(family())
    for documents, code, pointer in (
        ([], "E310", "/documents"),
        ([paper("F99", "1")], "E104", "/documents/0/procedure"),
        ([paper("F12", "1"), paper("F17", "1")], "E104", "/documents/1/procedure"),  # follows by itself
        ([paper("F12", "1", 3)], "E104", "/documents/0/mover"),
        ([paper("F12", "見本　太郎")], "E104", "/documents/0/reference"),
        ([paper("F12", "MIHON")], "E104", "/documents/0/reference"),
        ([paper("F12", "2:1 3")], "E104", "/documents/0/reference"),
        ([paper("F12", "123456789018")], "E140", "/documents/0/reference"),
        ([paper("F12", str(number), 1) for number in range(5)], "E104", "/documents/4"),
    ):
        answer = hand_over(relocation, *documents)
        problem = answer.json()
        assert (problem["code"], problem["errors"][0]["pointer"]) == (code, pointer), documents
    one = paper("F12", "1")
    assert hand_over(relocation, one, movers=[3]).json()["errors"][0]["pointer"] == "/movers"
    assert hand_over(relocation, one, code=CHIYODA).json()["code"] == "E108"  # the origin alone
    wrong = hand_over(relocation, one, type="moveout.effective").json()
    assert wrong["errors"][0]["pointer"] in ("/documents", "/type")
    before = journeys.file(family())
    assert hand_over(before, one).json()["code"] == "E200"  # not before the decision
    with acting(HUB):
        assert not DocumentSheet.objects.exists()
