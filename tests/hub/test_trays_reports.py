"""What towns that exchange files report besides decisions: papers (16), measures (75), and visits of an earlier day."""

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from django.utils import timezone

from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.catalogue import entry
from hub.deliveries import courier
from hub.deliveries.models import Delivery, Difference, Return
from hub.ids import uuid7
from hub.procedures import documents
from hub.protection.models import Measure
from hub.relocations import reports
from hub.relocations.models import Leg, Relocation, Report
from hub.relocations.reported import ReportBody
from hub.trays import rounds
from hub.vault import cipher
from hub.vault import services as vault
from municipalities import standard
from municipalities.models import Connection
from municipalities.notice import Flow, Task
from municipalities.simulator import clerk, counter, outtray
from municipalities.simulator.counter import Paper, Said
from municipalities.simulator.letters import letter
from municipalities.simulator.town import Town
from tests.conftest import CHIYODA, HAKODATE, Caller, filing
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - a fixture
from tests.hub.test_batch_town import running
from tests.hub.test_trays import (
    LAYOUT,
    by_files,
    error,
    lay,
    names,
    server,  # noqa: F401 - a fixture
    told,
)
from tests.municipalities.shares import Server

pytestmark = pytest.mark.usefixtures("db")
OFFICE = "市民課　見本係"
#: A layout of every family that towns of the demo exchange files in.
FORMS = ("mainframe_cp932", "regional_xml", "juki_list_csv", "gif_json")


def allow() -> None:
    """The operator lets Hakodate's files set measures."""
    Connection.objects.filter(municipality=HAKODATE).update(sets_protection=True)


def played(name: str) -> Town:
    """Hakodate's system."""
    return Town(code=HAKODATE, standard=name, address="folder:town", client_id="", client_secret="")


def as_json(share: Server, name: str, **body: Any) -> str:
    """Lay a report down in the API's JSON; its id."""
    number = str(uuid4())
    lay(share, name, json.dumps({"id": number} | body).encode(), contentType="application/json")
    return number


def about(row: Delivery, type_: str) -> dict[str, str]:
    """What the manifest of a record says, under a new id."""
    return {"contentType": "text/plain", "delivery": str(row.pk), "reportId": str(uuid4()), "reportType": type_}


def decided(share: Server, row: Delivery) -> None:
    """The origin registers the move-out."""
    as_json(share, "00.json", type="moveout.reviewing", receipt_no=row.receipt_no)
    as_json(share, "01.json", type="moveout.decided", outcome="REGISTERED", receipt_no=row.receipt_no)
    assert rounds.run() == rounds.Round(taken=2)


def papers(relocation_id: UUID) -> dict[tuple[str, int], tuple[str, ...]]:
    """What the departments of the destination will read."""
    with acting(HUB):
        return dict(documents.known(relocation_id, vault.open_one(relocation_id)))


def guards(relocation_id: UUID) -> dict[str, str]:
    """How each town handles it."""
    with acting(HUB):
        return dict(Leg.objects.filter(relocation=relocation_id).values_list("municipality", "guard"))


def body_of(number: str) -> ReportBody:
    """A report as it was taken in."""
    with acting(HUB):
        row = Report.objects.get(pk=number)
        key = vault.open_one(row.relocation_id)
    return msgspec.json.decode(cipher.unseal(key, bytes(row.body), row.identity), type=ReportBody)


def written_of(share: Server) -> str:
    """Everything the hub wrote about bad files."""
    return "".join(path.read_text("utf-8") for path in (share.root / "town" / "answers").rglob("*.error.json"))


# --- Papers and measures ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "name"), [*(("sftp", name) for name in FORMS), *(("folder", name) for name in standard.names())]
)
def test_papers_and_measures_come_in_files_of_every_layout(server: Server, way: str, name: str) -> None:  # noqa: F811
    """A simulated town says them as its layout can, as a record where that has the items, and else in JSON."""
    by_files(server, way, name)
    allow()
    row, content = told(server)
    decided(server, row)
    given = (Paper("F06", "K-4500/1", 1), Paper("F06", "K-4500/2", 1))
    as_records = 0
    for said in (
        Said(row.receipt_no, "papers", documents=given),
        Said(row.receipt_no, "protects", contact_office=OFFICE, movers=(1,)),
    ):
        [step] = counter.steps(HAKODATE, said, clerk.today())
        sent = letter(played(name), step, content)
        as_records += "Hikkoshi-Report-Type" in sent.headers
        file = outtray.file_name(f"{HAKODATE}/{row.receipt_no}/{said.what}", 0, step.name)
        asyncio.run(outtray.lay(server.root / "town", file, sent))
    assert rounds.run() == rounds.Round(taken=2), written_of(server)
    assert papers(row.relocation_id) == {("F06", 1): ("K-4500/1", "K-4500/2")}
    assert guards(row.relocation_id)[HAKODATE] == "own"
    assert guards(row.relocation_id)[CHIYODA] == "told"
    with acting(HUB):
        measure = Measure.objects.get()
        assert (measure.municipality_id, measure.contact_office, measure.state) == (HAKODATE, OFFICE, "ACTIVE")
        assert not Difference.objects.exists()
        assert not Return.objects.exists()
    assert as_records == 2 or name not in FORMS
    assert not [file for file in names(server, "done") if "protect" in file]
    assert rounds.run() == rounds.Round()
    assert not [found for found in audit.verify() if isinstance(found, audit.Fault)]


@pytest.mark.parametrize("name", ["migration_layout_csv", "certificate_qr"])
def test_what_a_layout_has_no_item_for_the_manifest_says(server: Server, name: str) -> None:  # noqa: F811
    by_files(server, "sftp", name)
    allow()
    row, content = told(server)
    decided(server, row)
    given = [{"procedure": "F12", "reference": "77-1"}]
    lay(server, "1.dat", content, **about(row, "moveout.transfer_docs"), reportDocuments=given)
    lay(server, "2.dat", content, **about(row, "protection.route"), reportContactOffice=OFFICE)
    assert rounds.run() == rounds.Round(taken=2), written_of(server)
    everyone = len(played(name).read(content).movers)
    assert papers(row.relocation_id) == {("F12", ordinal): ("77-1",) for ordinal in range(1, everyone + 1)}
    with acting(HUB):
        assert {one.contact_office for one in Measure.objects.all()} == {OFFICE}
        assert Measure.objects.count() == everyone


@pytest.mark.parametrize("way", ["sftp", "folder"])
def test_a_town_without_the_right_is_told_what_the_api_says_and_nothing_happens(
    server: Server,  # noqa: F811
    way: str,
) -> None:
    by_files(server, way)
    row, content = told(server)
    said = {"type": "protection.route", "receipt_no": row.receipt_no, "contact_office": OFFICE}
    as_json(server, "1.json", **said)
    lay(server, "2.dat", content, **about(row, "protection.route"), reportContactOffice=OFFICE)
    nothing = as_json(server, "3.json", **(said | {"receipt_no": "00-0000-0000-0"}))
    assert rounds.run() == rounds.Round(bad=3)
    answer = Caller(f"town-{HAKODATE}", "deliveries reports", HAKODATE).post("reports", {"id": nothing} | said)
    assert answer.status_code == entry("E107").status
    for name in ("1.json", "2.dat", "3.json"):  # the same whether there is such a filing or not
        document = error(server, name)
        [problem] = document["problems"]
        assert (problem["code"], problem["title"]["ja"]) == (answer.json()["code"], answer.json()["title"])
        assert problem["remedy"] == {"ja": entry("E107").remedy_ja, "en": entry("E107").remedy_en}
        assert (problem["pointer"], document["taken"]) == ("", 0)
    assert OFFICE not in written_of(server)
    with acting(HUB):
        assert not Measure.objects.exists()
        assert not Report.objects.exists()
    assert set(guards(row.relocation_id).values()) == {""}


def test_a_measure_is_set_confirmed_and_never_ended_and_nothing_says_which(server: Server) -> None:  # noqa: F811
    by_files(server, "folder")
    allow()
    first, second = told(server, 1)[0], told(server, 1)[0]  # two filings of one person
    numbers = []
    for place, (row, outcome) in enumerate(((first, "PROVISIONAL"), (second, ""), (second, "PROVISIONAL"))):
        said = {"type": "protection.route", "outcome": outcome, "receipt_no": row.receipt_no, "movers": [1]}
        numbers.append(as_json(server, f"{place}.json", **said, contact_office=OFFICE))
        assert rounds.run() == rounds.Round(taken=1)
        assert names(server, "bad") == []
        with acting(HUB):
            assert Measure.objects.get().state == ("PROVISIONAL" if place == 0 else "ACTIVE")
    as_json(server, "9.json", **(said | {"outcome": "ENDED"}), contact_office=OFFICE)
    assert rounds.run() == rounds.Round(bad=1)
    assert error(server, "9.json")["problems"][0]["code"] == "E102"
    with acting(HUB):
        assert Measure.objects.get().state == "ACTIVE"
        assert Report.objects.filter(pk__in=numbers).count() == 3


def test_what_is_wrong_is_named_with_what_to_do_and_repeats_nothing(server: Server) -> None:  # noqa: F811
    by_files(server, "folder")
    allow()
    row, content = told(server)
    decided(server, row)
    layout = standard.load(LAYOUT)
    record = layout.read(content)
    task = msgspec.structs.replace(record, task=Task(procedure="F06", documents="MIHON"))
    one, other = [{"procedure": "F06", "reference": "1", "mover": 1}], {"reportOutcome": "OTHER"}
    cases: list[tuple[str, bytes, dict[str, Any], str, str]] = [
        ("moveout.transfer_docs", content, {}, "E310", "/documents"),
        ("moveout.transfer_docs", layout.write(task).content, {}, "E104", "/task/documents"),
        ("moveout.transfer_docs", content, {"reportDocuments": [{"procedure": "F06"}]}, "E104", "/reportDocuments/0"),
        (
            "moveout.transfer_docs",
            content,
            {"reportDocuments": [one[0] | {"reference": "見本太郎"}]},
            "E104",
            "/reportDocuments/0/reference",
        ),
        ("moveout.transfer_docs", content, {"reportDocuments": [one[0] | {"mover": 9}]}, "E104", "/documents/0/mover"),
        (
            "moveout.transfer_docs",
            content,
            {"reportDocuments": [one[0] | {"reference": "123456789018"}]},
            "E140",
            "/documents/0/reference",
        ),
        ("registry.change", content, {"reportDocuments": one} | other, "E104", "/documents"),
        ("registry.change", content, {"reportContactOffice": OFFICE} | other, "E104", "/contact_office"),
        ("protection.route", content, {}, "E310", "/contact_office"),
        ("protection.route", content, {"reportContactOffice": "課" * 101}, "E104", "/reportContactOffice"),
        ("protection.route", content, {"reportContactOffice": "123456789018"}, "E140", "/contact_office"),
        ("protection.route", content, {"reportContactOffice": "課\0"}, "E104", "/contact_office"),
        ("registry.change", content, {"reportVisitedOn": "2026-13-01"} | other, "E104", "/reportVisitedOn"),
        ("registry.change", content, {"reportVisitedOn": "2026-04-01"} | other, "E104", "/visited_on"),
    ]
    for place, (type_, file, more, _code, _pointer) in enumerate(cases):
        lay(server, f"{place:02}.dat", file, **about(row, type_), **more)
    assert rounds.run() == rounds.Round(bad=len(cases))
    for place, (type_, _file, more, code, pointer) in enumerate(cases):
        [problem] = error(server, f"{place:02}.dat")["problems"]
        assert (problem["code"], problem["pointer"]) == (code, pointer), (type_, more)
        assert problem["remedy"]["ja"]
        assert problem["remedy"]["en"]
    assert not [word for word in ("見本", OFFICE, "123456789018") if word in written_of(server)]
    with acting(HUB):
        assert not Measure.objects.exists()
        assert not Return.objects.exists()
    assert papers(row.relocation_id) == {}


# --- A visit of an earlier day --------------------------------------------------------------------------------------


def arriving(server: Server) -> tuple[Delivery, bytes]:  # noqa: F811
    """A move to Hakodate, whose working copy it found in its folder."""
    relocation = journeys.file(filing(1, origin=CHIYODA, destination=HAKODATE))
    certificate = "available" if relocation.flow == Flow.CARD_SPECIAL else "paper_issued"
    courier.run(idle=0, slice_=10)
    for type_, outcome in (
        ("moveout.reviewing", ""),
        ("moveout.decided", "REGISTERED"),
        (f"certificate.{certificate}", ""),
    ):
        body = ReportBody(id=uuid7(), type=type_, outcome=outcome, receipt_no=relocation.receipt_no)
        with acting(journeys.system(CHIYODA)):
            reports.receive(body, CHIYODA)
    courier.run(idle=0, slice_=10)
    with acting(HUB):
        row = Delivery.objects.get(relocation_id=relocation.pk, municipality=HAKODATE, type="arrival.prefill")
    manifest = json.loads((server.root / "town" / f"{row.pk}.manifest.json").read_bytes())
    return row, (server.root / "town" / manifest["file"]).read_bytes()


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("way", ["sftp", "folder"])
def test_a_visit_reported_days_later_counts_from_its_day(server: Server, way: str, name: str) -> None:  # noqa: F811
    by_files(server, way, name)
    row, content = arriving(server)
    today, layout = timezone.localdate(), standard.load(name)
    moved, visited = today - timedelta(days=3), today - timedelta(days=2)
    record = msgspec.structs.replace(layout.read(content), actual_in_on=moved)
    manifest = about(row, "arrival.visited")
    lay(server, "1.dat", layout.write(record).content, **manifest, reportVisitedOn=visited.isoformat())
    assert rounds.run() == rounds.Round(taken=1), written_of(server)
    number = manifest["reportId"]
    assert (body_of(number).legal_date, body_of(number).visited_on) == (moved, visited)
    with acting(HUB):
        relocation = Relocation.objects.get(pk=row.relocation_id)
        begun = list(relocation.deadlines.filter(clock="C90").values_list("starts_on", flat=True))
    assert begun == ([visited] if relocation.flow == Flow.CARD_SPECIAL else [])


def test_a_day_that_cannot_be_is_refused_and_the_corrected_file_is_taken(server: Server) -> None:  # noqa: F811
    by_files(server, "folder")
    row, content = arriving(server)
    today, layout = timezone.localdate(), standard.load(LAYOUT)
    record = msgspec.structs.replace(layout.read(content), actual_in_on=today - timedelta(days=3))
    number, written = str(uuid4()), layout.write(record).content

    def report(name: str, day: date, type_: str = "arrival.visited", **more: str) -> dict[str, Any]:
        manifest = about(row, type_) | {"reportId": number} | more
        lay(server, name, written, **manifest, reportVisitedOn=day.isoformat())
        rounds.run()
        return {} if name in names(server, "done") else dict(error(server, name)["problems"][0])

    for place, days in enumerate((-1, 4)):  # tomorrow, and before they moved in
        refused = report(f"{place}.dat", today - timedelta(days=days))
        assert (refused["code"], refused["pointer"]) == ("E308", "/visited_on")
        assert "Not before" in refused["detail"]
    assert report("2.dat", today - timedelta(days=3)) == {}
    number = str(uuid4())
    refused = report("3.dat", today, "movein.decided", reportOutcome="REGISTERED")
    assert (refused["code"], refused["pointer"]) == ("E104", "/visited_on")  # said when they appear, not here
    later = as_json(
        server, "4.json", type="movein.decided", outcome="REGISTERED", receipt_no=row.receipt_no, legal_date=str(today)
    )
    assert rounds.run() == rounds.Round(taken=1), written_of(server)
    assert body_of(later).type == "movein.decided"


def test_in_json_a_file_says_everything_that_the_api_takes(server: Server) -> None:  # noqa: F811
    by_files(server, "sftp")
    row, _ = arriving(server)
    today = timezone.localdate()
    said = {"type": "arrival.visited", "receipt_no": row.receipt_no, "legal_date": str(today - timedelta(days=2))}
    number = as_json(server, "1.json", **said, visited_on=str(today - timedelta(days=1)), card_shown=True)
    assert rounds.run() == rounds.Round(taken=1), written_of(server)
    assert body_of(number).visited_on == today - timedelta(days=1)


# --- The simulated town ---------------------------------------------------------------------------------------------


def test_the_simulated_town_says_what_it_heard_at_its_counter(server: Server) -> None:  # noqa: F811
    """Whoever plays the persons tells its clerk; it says so in a file in its own layout, whose name says nothing."""
    by_files(server, "folder")
    allow()
    row, _ = told(server)
    asyncio.run(heard(server.root, Said(row.receipt_no, "protects", contact_office=OFFICE)))
    for _ in range(5):
        rounds.run()
    with acting(HUB):
        assert {one.contact_office for one in Measure.objects.all()} == {OFFICE}
    assert [name for name in names(server, "done") if name.endswith(".report.dat")]
    assert not [name for name in names(server, "done") if "protect" in name]


async def heard(folder: Path, said: Said) -> None:
    """The town's system takes its files in, hears this and lays its answers down."""
    async with running(folder) as intake:
        await asyncio.sleep(1.5)
        assert await intake.hear(played(LAYOUT), said)
        await asyncio.sleep(1.5)
