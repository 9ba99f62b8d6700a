"""What towns send back in their own layout: receipts, records, differences, and what nobody may guess about."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.urls import reverse
from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries import returning
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery, Difference, Return
from hub.deliveries.states import Cause
from hub.fidelity.models import Decision
from hub.protection.models import Measure
from hub.relocations import services as relocations
from hub.relocations.models import Relocation, Report
from hub.vault import services as vault
from municipalities import standard
from municipalities.characters import Gaiji
from municipalities.models import Connection, GaijiTable
from municipalities.models import Gaiji as GaijiRow
from municipalities.notice import Notice, Sex
from municipalities.standard.answers import Answer, AnswerKind
from tests.conftest import CHIYODA, HAKODATE, NAHA, clerk, connect, filing, town
from tests.hub import journeys
from tests.hub.test_fidelity import YOSHIKO, desk, named, operator, told
from tests.hub.test_protection_routed import system

pytestmark = pytest.mark.django_db

#: A private character of Hakodate's own that no table has (S41).
OWN = "\ue0f3"


@pytest.fixture(autouse=True)
def towns_of_the_move() -> None:
    connect(HAKODATE, "mainframe_cp932", "pull:")
    connect(CHIYODA, "gif_json", "pull:")


class Moving:
    """A move whose origin has fetched the filing, and the origin's system."""

    def __init__(self, *names: str) -> None:
        self.relocation = named(*names or ("見本　花子",))
        self.system = town(HAKODATE)
        self.delivery = told(self.relocation)
        self.layout = Connection.objects.get(municipality=HAKODATE).layout()
        got = self.system.get(f"deliveries/{self.delivery.pk}/content")
        assert got.status_code == 200, got.content.decode(errors="replace")
        self.content, self.content_type = got.content, got["Content-Type"]
        #: What the town has in its system.
        self.record: Notice = self.layout.read(got.content)

    def report(self, content: bytes, type_: str = "moveout.reviewing", **more: str) -> Any:
        """Post a record in the town's own layout as a report."""
        headers = {
            "Hikkoshi_Report_Id": str(uuid4()),
            "Hikkoshi_Report_Type": type_,
            "Hikkoshi_Delivery": str(self.delivery.pk),
        }
        return self.system.post("reports", content, self.content_type, **(headers | more))

    def answers(self, *kinds: AnswerKind, **changes: Any) -> bytes:
        """A file of receipts."""
        told = (Answer(notice_id=str(self.delivery.pk), kind=kind, **changes) for kind in kinds)
        return self.layout.write_answers(told)

    def post(self, content: bytes) -> Any:
        return self.system.post(f"deliveries/{self.delivery.pk}/receipts", content, self.content_type)


def differences() -> dict[str, tuple[Any, Any]]:
    with acting(HUB):
        rows = list(Difference.objects.select_related("delivery").order_by("pk"))
        return {row.path: returning.texts(row, vault.open_one(row.delivery.relocation_id)) for row in rows}


# --- Receipts ----------------------------------------------------------------------------------------------


def test_a_file_of_receipts_is_read_by_the_towns_own_table_once() -> None:
    move = Moving()
    content = move.answers(AnswerKind.RECEIVED, AnswerKind.RETURNED, errors=("E300",))
    first, again = move.post(content), move.post(content)
    assert (first.status_code, again.status_code) == (201, 200)
    assert [one["kind"] for one in first.json()["receipts"]] == ["received", "returned"]
    assert all(one["duplicate"] for one in again.json()["receipts"])
    with acting(HUB):
        row = Delivery.objects.get(pk=move.delivery.pk)
        assert (row.state, row.answer) == ("answered", "returned")
        assert [one.codes for one in row.receipts.order_by("pk")] == [["E300"], ["E300"]]


def test_a_receipt_about_another_delivery_is_refused() -> None:
    move = Moving()
    other = move.layout.write_answers([Answer(notice_id=str(uuid4()), kind=AnswerKind.RECEIVED)])
    answer = move.post(other)
    assert (answer.status_code, answer.json()["code"]) == (422, "E104")
    with acting(HUB):
        assert not Delivery.objects.get(pk=move.delivery.pk).receipts.exists()


@pytest.mark.parametrize("content_type", ["text/csv; charset=Windows-31J", "text/plain; charset=utf-8", "text/xml"])
def test_what_is_announced_as_another_layout_is_refused(content_type: str) -> None:
    move = Moving()
    move.content_type = content_type
    for answer in (move.post(move.answers(AnswerKind.RECEIVED)), move.report(move.content)):
        assert (answer.status_code, answer.json()["code"]) == (415, "E103")


def test_what_cannot_be_read_is_refused_and_repeats_nothing() -> None:
    move = Moving()
    for answer in (move.post(b"\x81" * 50), move.report(move.content[:-7])):
        assert (answer.status_code, answer.json()["code"]) == (400, "E100")
        assert "花子" not in answer.content.decode()


def test_an_unknown_code_of_an_answer_waits_for_a_person() -> None:
    move = Moving()
    content = move.answers(AnswerKind.RECEIVED)
    code = move.layout.tables.answers
    assert code is not None
    place = 2 + 36  # record kind and notice id come before it
    answer = move.post(content[:place] + b"Z" + content[place + 1 :])
    assert (answer.status_code, answer.json()["code"], answer.json()["held"]) == (202, "E132", True)
    with acting(HUB):
        assert not Delivery.objects.get(pk=move.delivery.pk).receipts.exists()
        assert Return.objects.get().report == {}


# --- Records -----------------------------------------------------------------------------------------------


def test_a_fallback_that_comes_back_never_overwrites_the_name() -> None:
    move = Moving(YOSHIKO)
    assert move.record.movers[0].full_name == "髙橋　吉子"
    first = move.report(move.layout.write(move.record).content)
    assert (first.status_code, first.json()["accepted"]) == (201, True)
    assert differences() == {}
    with acting(HUB):
        assert Report.objects.get().type == "moveout.reviewing"
        assert deliveries.notice_of(move.delivery).movers[0].full_name == YOSHIKO


def test_what_differs_is_a_task_for_the_clerk_and_changes_nothing() -> None:
    move = Moving(YOSHIKO)
    mover = msgspec.structs.replace(move.record.movers[0], full_name="高橋　吉子", sex=Sex.MALE)
    before = deliveries_notice(move)
    changed = msgspec.structs.replace(move.record, movers=(mover,))
    assert move.report(move.layout.write(changed).content).status_code == 201
    assert differences()["/movers/0/fullName"] == ("髙橋　吉子", "高橋　吉子")  # CP932 has 髙: not a fallback
    assert set(differences()) <= {"/movers/0/fullName", "/movers/0/sex"}
    assert deliveries_notice(move) == before

    visitor = desk(clerk(HAKODATE))
    assert "伝えた内容と違う戻り値" in visitor.open(reverse("admin:index")).text
    with acting(HUB):
        row = Difference.objects.get(path="/movers/0/fullName")
    shown = visitor.open(reverse("admin:deliveries_difference_change", args=[row.pk]))
    assert "高橋 吉子" in shown.text
    for user in (operator(), clerk(NAHA)):
        page = desk(user).client.get(reverse("admin:deliveries_difference_change", args=[row.pk]), follow=True)
        assert "吉子" not in page.content.decode()
    listed = reverse("admin:deliveries_difference_changelist")
    visitor.client.post(listed, {"action": "settle", "_selected_action": [str(row.pk)]})
    with acting(HUB):
        row.refresh_from_db()
    assert row.settled_at is not None


def deliveries_notice(move: Moving) -> Notice:
    with acting(HUB):
        return deliveries.notice_of(Delivery.objects.get(pk=move.delivery.pk))


def test_a_record_becomes_a_report_once_with_its_day() -> None:
    relocation = named("見本　花子")
    journeys.settle(relocation, journeys.course(relocation, filed(relocation))[:8])
    row = told(relocation, "arrival.prefill")
    connect(CHIYODA, "gif_json", "pull:")
    system, layout = town(CHIYODA), standard.load("gif_json")
    record = layout.read(system.get(f"deliveries/{row.pk}/content").content)
    today = timezone.localdate()
    registered = layout.write(msgspec.structs.replace(record, actual_in_on=today)).content
    headers = {"Hikkoshi_Report_Id": str(uuid4()), "Hikkoshi_Delivery": str(row.pk)}
    for type_, outcome in (("arrival.visited", ""), ("movein.decided", "REGISTERED")):
        more = headers | {"Hikkoshi_Report_Id": str(uuid4()), "Hikkoshi_Report_Type": type_}
        more |= {"Hikkoshi_Report_Outcome": outcome} if outcome else {}
        first, again = (system.post("reports", registered, layout.content_type, **more) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 200), first.content.decode()
    with acting(HUB):
        relocation.refresh_from_db()
    assert relocation.state == "ARRIVED"
    assert differences() == {}


def filed(relocation: Relocation) -> Any:
    with acting(HUB):
        return relocations.filing_of(relocation)


@pytest.mark.parametrize(
    "change", [{"notice_id": str(uuid4())}, {"receipt_no": "00-TEST-0001-T"}, {"movers": "another person"}]
)
def test_a_record_of_something_else_is_refused(change: dict[str, Any]) -> None:
    move = Moving()
    if "movers" in change:
        change = {"movers": (msgspec.structs.replace(move.record.movers[0], ordinal=7),)}
    answer = move.report(move.layout.write(msgspec.structs.replace(move.record, **change)).content)
    assert (answer.status_code, answer.json()["code"]) == (422, "E104")


def test_headers_that_are_missing_or_wrong_are_named() -> None:
    move = Moving()
    for more in ({"Hikkoshi_Report_Id": "7"}, {"Hikkoshi_Delivery": ""}):
        answer = move.report(move.content, **more)
        assert (answer.status_code, answer.json()["code"]) == (400, "E110")
        assert "Hikkoshi-Delivery" in answer.json()["detail"]
    plain = move.system.post("reports", move.content, move.content_type)
    assert (plain.status_code, plain.json()["code"]) == (415, "E103")


def test_another_towns_delivery_cannot_be_answered() -> None:
    move = Moving()
    stranger = town(NAHA)
    headers = {
        "Hikkoshi_Report_Id": str(uuid4()),
        "Hikkoshi_Report_Type": "moveout.reviewing",
        "Hikkoshi_Delivery": str(move.delivery.pk),
    }
    answer = stranger.post("reports", move.content, move.content_type, **headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "E108")


# --- S41: private-use characters and unknown codes wait for a person --------------------------------------------


@pytest.fixture
def gaiji() -> Moving:
    """Hakodate's system has private characters of its own; the hub's table of them lacks one."""
    table = GaijiTable.objects.create(name="hakodate", title="見本の外字表")
    GaijiRow.objects.create(table=table, private="\ue001", sequence="邉\U000e0100")
    connect(HAKODATE, "gaiji_cp932_csv", "pull:")
    Connection.objects.filter(municipality=HAKODATE).update(gaiji=table)
    return Moving("渡邉\U000e0100　花子")


def with_own(move: Moving) -> bytes:
    """The record as the town's system writes it: 﨑 with a private character of its own."""
    own = Gaiji("own", {"\ue001": "邉\U000e0100", OWN: "﨑\U000e0100"})
    layout = standard.load("gaiji_cp932_csv", own)
    mover = msgspec.structs.replace(move.record.movers[0], full_name="渡邉\U000e0100　﨑\U000e0100子")
    return layout.write(msgspec.structs.replace(move.record, movers=(mover,))).content


def test_a_private_character_goes_out_and_comes_back_by_the_towns_own_table(gaiji: Moving) -> None:
    assert "\ue001".encode("cp932") in gaiji.content
    assert gaiji.report(gaiji.content).status_code == 201
    assert differences() == {}


def test_an_unknown_private_character_is_asked_and_never_guessed(gaiji: Moving) -> None:
    content = with_own(gaiji)
    first = gaiji.report(content)
    assert (first.status_code, first.json()["code"], first.json()["characters"]) == (202, "E130", "U+E0F3")
    assert gaiji.report(content).json()["id"] == first.json()["id"]
    with acting(HUB):
        assert not Report.objects.exists()
        row = Return.objects.get()
        assert content not in bytes(row.content)

    assert desk(clerk(NAHA)).client.get(reverse("admin:deliveries_return_meaning", args=[row.pk])).status_code == 404
    assert desk(operator()).client.get(reverse("admin:deliveries_return_meaning", args=[row.pk])).status_code == 403
    visitor = desk(clerk(HAKODATE))
    asked = reverse("admin:deliveries_return_meaning", args=[row.pk])
    assert "U+E0F3" in visitor.open(asked).text
    sent = dict(visitor.page.values)
    refused = visitor.see(visitor.client.post(asked, sent))  # the private character is still in it
    assert "外字が残っています" in refused.text
    visitor.client.post(asked, sent | {"text-0": "渡邉\U000e0100　﨑子"})
    with acting(HUB):
        row.refresh_from_db()
        assert row.state == "taken"
        assert Report.objects.get().type == "moveout.reviewing"
        assert Decision.objects.get().municipality_id == HAKODATE
    assert differences() == {"/movers/0/fullName": ("渡邉\U000e0100　花子", "渡邉\U000e0100　﨑子")}
    assert gaiji.report(content).status_code == 201  # the same text is read without asking now


def test_a_corrected_gaiji_table_lets_the_file_be_read_again(gaiji: Moving) -> None:
    gaiji.report(with_own(gaiji))
    with acting(HUB):
        row = Return.objects.get()
    visitor, listed = desk(operator()), reverse("admin:deliveries_return_changelist")
    again = {"action": "read_again", "_selected_action": [str(row.pk)]}
    visitor.client.post(listed, again)
    with acting(HUB):
        assert Return.objects.get().state == "held"
    table = GaijiTable.objects.get(name="hakodate")
    GaijiRow.objects.create(table=table, private=OWN, sequence="﨑\U000e0100")
    GaijiTable.objects.filter(pk=table.pk).update(version=table.version + 1)
    visitor.client.post(listed, again)
    with acting(HUB):
        assert (Return.objects.get().state, Report.objects.count()) == ("taken", 1)


@pytest.mark.parametrize("type_", ["protection.route", "moveout.transfer_docs"])
def test_a_record_that_only_goes_with_a_report_is_never_kept_for_a_person(gaiji: Moving, type_: str) -> None:
    """Whoever looks at held files must not learn of a measure, and a measure waits for nobody."""
    gaiji.system = system(HAKODATE)
    answer = gaiji.report(with_own(gaiji), type_)
    assert (answer.status_code, answer.json()["code"]) == (422, "E130")
    assert "JSON" in answer.json()["detail"]
    with acting(HUB):
        assert not Return.objects.exists()


def test_a_held_visit_keeps_its_day(gaiji: Moving) -> None:
    assert gaiji.report(with_own(gaiji), "arrival.visited", Hikkoshi_Report_Visited_On="2026-04-01").status_code == 202
    with acting(HUB):
        assert Return.objects.get().report["visited_on"] == "2026-04-01"
    wrong = gaiji.report(gaiji.content, "arrival.visited", Hikkoshi_Report_Visited_On="1 April")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "E110")


def test_a_measure_in_a_record_needs_the_scope_and_leaves_no_difference() -> None:
    """The item for the office is what is said, not something that differs from what the town was told."""
    move = Moving()
    record = msgspec.structs.replace(move.record, contact_office="市民課　見本係", protected=True)
    content = move.layout.write(record).content
    refused = move.report(content, "protection.route")
    assert (refused.status_code, refused.json()["code"]) == (403, "E107")
    with acting(HUB):
        assert not Measure.objects.exists()
    move.system = system(HAKODATE)
    assert move.report(content, "protection.route").status_code == 201
    with acting(HUB):
        assert {row.contact_office for row in Measure.objects.all()} == {"市民課　見本係"}
    assert differences() == {}


def test_an_unknown_code_of_a_record_waits_and_can_be_put_aside() -> None:
    connect(HAKODATE, "juki_list_csv", "pull:")
    move = Moving()
    item = next(item for item in move.layout.items if item.source == "mover.sex")
    names, *rows = csv.reader(io.StringIO(move.content.decode(move.layout.encoding), newline=""))
    rows[0][names.index(item.name)] = "7"
    lines = io.StringIO(newline="")
    csv.writer(lines, quoting=csv.QUOTE_ALL).writerows([names, *rows])
    answer = move.report(lines.getvalue().encode(move.layout.encoding))
    assert (answer.status_code, answer.json()["code"], answer.json()["item"]) == (202, "E132", item.name)
    with acting(HUB):
        row = Return.objects.get()
    visitor = desk(clerk(HAKODATE))
    shown = visitor.open(reverse("admin:deliveries_return_change", args=[row.pk]))
    assert "コード表" in shown.text
    visitor.client.post(
        reverse("admin:deliveries_return_changelist"), {"action": "drop", "_selected_action": [str(row.pk)]}
    )
    with acting(HUB):
        assert (Return.objects.get().state, Report.objects.count()) == ("dropped", 0)


# --- D: the standard of its day -----------------------------------------------------------------------------------


def change_over(code: str, name: str) -> None:
    """From today on another connection."""
    today = timezone.localdate()
    old = Connection.objects.filter(municipality=code)
    old.update(valid_from=today - timedelta(days=9), valid_to=today - timedelta(days=1))
    Connection.objects.create(municipality_id=code, standard=name, address="pull:", valid_from=today)


def test_what_is_under_way_keeps_its_layout_and_what_follows_has_the_next() -> None:
    fetched = Moving()
    ready, held = told(named("見本　次郎")), told(named("渡邉\U000e0100　花子"))
    queued = journeys.file(filing(3, origin=HAKODATE))
    change_over(HAKODATE, "regional_xml")
    new = journeys.file(filing(4, origin=HAKODATE))
    journeys.carry()
    lines = {line["id"]: line["standard"] for line in fetched.system.get("deliveries?state=ready").json()["deliveries"]}
    assert lines[str(ready.pk)] == lines[str(told(queued).pk)] == "mainframe_cp932"
    assert lines[str(told(new).pk)] == "regional_xml"
    again = fetched.system.get(f"deliveries/{fetched.delivery.pk}/content")
    assert (again.content, again["Content-Type"]) == (fetched.content, fetched.content_type)
    assert fetched.post(fetched.answers(AnswerKind.RECEIVED)).status_code == 201
    visitor = desk(clerk(HAKODATE))
    assert "に終了" in visitor.open(reverse("admin:deliveries_delivery_change", args=[held.pk])).text
    with acting(HUB):
        deliveries.send_again(Delivery.objects.get(pk=fetched.delivery.pk), "desk")
    journeys.carry()
    assert fetched.system.get(f"deliveries/{fetched.delivery.pk}/content").content == fetched.content


def test_a_layout_that_is_gone_is_said_by_name() -> None:
    move = Moving()
    other = told(named("見本　次郎"))
    Connection.objects.filter(municipality=HAKODATE).update(standard="no_such_layout")
    for row in (move.delivery, other):
        answer = move.system.get(f"deliveries/{row.pk}/content")
        assert (answer.status_code, answer.json()["code"]) == (409, "E134")
        assert "no_such_layout" in answer.json()["detail"]
    (line,) = move.system.get("deliveries?state=ready").json()["deliveries"]
    assert (line["standard"], line["content_type"]) == ("no_such_layout", None)
    with acting(HUB):
        deliveries.send_again(Delivery.objects.get(pk=move.delivery.pk), "desk")
        row = Delivery.objects.get(pk=move.delivery.pk)
        deliveries.hold(row, Cause.DATA, "E130")
    assert (
        "E134"
        in desk(clerk(HAKODATE))
        .client.get(reverse("admin:deliveries_delivery_questions", args=[row.pk]), follow=True)
        .content.decode()
    )
