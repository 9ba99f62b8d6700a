"""Towns that exchange files, from a filing to their answers: every layout of files, over a real SFTP server and a folder."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.deliveries import courier, keys
from hub.deliveries.models import Delivery, Receipt, Return
from hub.relocations.models import Report
from hub.trays import rounds
from hub.vault import services as vault
from municipalities import standard
from municipalities.models import Connection
from municipalities.simulator import clerk
from municipalities.simulator.letters import letter
from municipalities.simulator.town import Town
from municipalities.standard.answers import Answer, AnswerKind
from tests.conftest import CHIYODA, HAKODATE, TENRYU, connect, filing
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - a fixture
from tests.municipalities.shares import SEED, Server, serving

pytestmark = pytest.mark.usefixtures("db")
#: A layout with a file of receipts that is not JSON.
LAYOUT = "mainframe_cp932"


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[Server]:
    with serving(tmp_path / "root") as one:
        settings.HUB_FOLDER_ROOT, settings.HUB_TRAY_QUIET = str(one.root), 0.1
        (one.root / "town" / "answers").mkdir(parents=True)
        yield one


def by_files(server: Server, way: str, name: str = LAYOUT) -> None:
    """Hakodate exchanges files from now on."""
    connect(HAKODATE, name, server.address() if way == "sftp" else "folder:town")
    row = Connection.objects.get(municipality=HAKODATE)
    Connection.objects.filter(pk=row.pk).update(signing_key=vault.masters().wrap(SEED, keys.identity(row.pk)))
    for code in (CHIYODA, TENRYU):
        connect(code, "gif_json", "pull:")


def told(server: Server, number: int = 1) -> tuple[Delivery, bytes]:
    """File a move from Hakodate; the delivery, and the file it found in its folder."""
    relocation = journeys.file(filing(number))
    courier.run(idle=0, slice_=10)
    with acting(HUB):
        row = Delivery.objects.get(relocation_id=relocation.pk, municipality=HAKODATE)
    assert row.state == "sent"
    manifest = json.loads((server.root / "town" / f"{row.pk}.manifest.json").read_bytes())
    return row, (server.root / "town" / manifest["file"]).read_bytes()


def lay(server: Server, name: str, content: bytes, **slip: Any) -> None:
    folder = server.root / "town" / "answers"
    (folder / name).write_bytes(content)
    told = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} | slip
    (folder / f"{name}.manifest.json").write_text(json.dumps(told))


def names(server: Server, place: str) -> list[str]:
    folder = server.root / "town" / "answers" / place
    return sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.exists() else []


def error(server: Server, name: str) -> dict[str, Any]:
    path = server.root / "town" / "answers" / "bad" / f"{name}.error.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def receipts_of(row: Delivery) -> list[str]:
    with acting(HUB):
        return sorted(Receipt.objects.filter(delivery=row).values_list("kind", flat=True))


@pytest.mark.parametrize("name", ["mainframe_cp932", "regional_xml", "juki_list_csv", "gif_json"])
@pytest.mark.parametrize("way", ["sftp", "folder"])
def test_a_town_that_exchanges_files_answers_a_move_out_from_receipt_to_certificate(
    server: Server, way: str, name: str
) -> None:
    by_files(server, way, name)
    row, content = told(server)
    town = Town(code=HAKODATE, standard=name, address="folder:town", client_id="", client_secret="")
    steps = clerk.plan(town.read(content), clerk.today())
    for number, step in enumerate(steps):
        sent = letter(town, step, content)
        about = {key: sent.headers.get(f"Hikkoshi-Report-{key[6:]}", "") for key in REPORT}
        about["delivery"] = str(row.pk) if not step.is_report or about["reportId"] else ""
        lay(server, f"{row.pk}.{number:02}.dat", sent.body, contentType=sent.headers["Content-Type"], **about)
    round_ = rounds.run()
    assert (round_.taken, round_.bad, round_.left, round_.unreached) == (len(steps), 0, 0, 0), names(server, "bad")
    assert receipts_of(row) == ["accepted_for_review", "received", "registered"]
    with acting(HUB):
        row.refresh_from_db()
        assert (row.state, row.answer) == ("answered", "registered")
        types = set(Report.objects.filter(relocation=row.relocation_id).values_list("type", flat=True))
        assert types >= {"moveout.reviewing", "moveout.decided"}
        assert not Return.objects.exists()
    assert names(server, "") == names(server, "bad") == []
    assert len(names(server, "done")) == 2 * len(steps)
    assert rounds.run() == rounds.Round()
    assert not [found for found in audit.verify() if isinstance(found, audit.Fault)]


REPORT = ("reportId", "reportType", "reportOutcome")


def test_a_days_receipts_in_one_file_stand_each_for_itself(server: Server) -> None:
    """A batch system writes one file a day; the one that is wrong is named, and the file may be sent again whole."""
    by_files(server, "sftp")
    first, second = told(server, 1)[0], told(server, 2)[0]
    layout = standard.load(LAYOUT)
    stranger = str(uuid4())
    wrong = [Answer(notice_id=str(row), kind=AnswerKind.RECEIVED) for row in (first.pk, stranger, second.pk)]
    (server.root / "town" / "answers" / "20250401.dat").write_bytes(layout.write_answers(tuple(wrong)))
    assert rounds.run() == rounds.Round(bad=1)
    assert receipts_of(first) == receipts_of(second) == ["received"]
    document = error(server, "20250401.dat")
    assert document["taken"] == 2
    (problem,) = document["problems"]
    assert (problem["code"], problem["item"]) == ("E108", stranger)
    assert problem["remedy"]["ja"]
    assert problem["remedy"]["en"]
    right = [answer for answer in wrong if answer.notice_id != stranger]
    (server.root / "town" / "answers" / "20250401.dat").write_bytes(layout.write_answers(tuple(right)))
    assert rounds.run() == rounds.Round(taken=1)
    assert receipts_of(first) == receipts_of(second) == ["received"]


def test_what_must_wait_stays_and_what_cannot_be_read_says_what_to_do(server: Server) -> None:
    by_files(server, "folder")
    row, content = told(server)
    body = {"id": str(uuid4()), "type": "moveout.decided", "receipt_no": row.receipt_no, "outcome": "REGISTERED"}
    lay(server, "1.json", json.dumps(body).encode())  # before its gate
    lay(server, "2.dat", b"\x00\xff nothing", delivery=str(row.pk))
    lay(server, "3.dat", content, delivery=str(row.pk), reportId="none", reportType="moveout.decided")
    lay(server, "4.json", b'{"kind": "received"}', delivery="no delivery")
    lay(server, "5.json", b'{"kind": "sold"}', delivery=str(row.pk))
    assert rounds.run() == rounds.Round(bad=4, left=1)
    codes = [error(server, name)["problems"][0]["code"] for name in ("2.dat", "3.dat", "4.json", "5.json")]
    assert codes == ["E100", "E110", "E110", "E104"]
    assert names(server, "") == ["1.json", "1.json.manifest.json"]
    lay(server, "0.json", json.dumps(body | {"id": str(uuid4()), "type": "moveout.reviewing", "outcome": ""}).encode())
    assert rounds.run() == rounds.Round(taken=2)
    text = "".join(path.read_text("utf-8") for path in (server.root / "town" / "answers" / "bad").glob("*.error.json"))
    assert "見本" not in text


def test_a_town_that_cannot_be_reached_holds_up_no_other_and_loses_nothing(server: Server) -> None:
    by_files(server, "folder")
    row, _ = told(server)
    away = server.address(fingerprint="SHA256:" + "A" * 43)
    connect(TENRYU, LAYOUT, away)
    lay(server, "1.json", b'{"kind": "received"}', delivery=str(row.pk))
    bad = server.root / "town" / "answers" / "done"
    bad.write_bytes(b"in the way")  # where a folder should be: nothing can be put away
    assert rounds.run().unreached == 2
    assert receipts_of(row) == ["received"]
    bad.unlink()
    assert rounds.run() == rounds.Round(taken=1, unreached=1)
    assert receipts_of(row) == ["received"]


def test_a_town_reads_and_answers_only_its_own(server: Server) -> None:
    """A file about another town's delivery is told that there is no such delivery."""
    by_files(server, "folder")
    row, _ = told(server)
    with acting(HUB):
        other = Delivery.objects.filter(relocation_id=row.relocation_id).exclude(municipality=HAKODATE).first()
    assert other is not None
    lay(server, "1.json", b'{"kind": "registered"}', delivery=str(other.pk))
    assert rounds.run() == rounds.Round(bad=1)
    assert error(server, "1.json")["problems"][0]["code"] == "E108"
    assert receipts_of(other) == []
