"""The guide's own commands, as they stand on the page, lead from a secret to an answered record."""

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from lxml import html

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery, Receipt
from hub.demo import seed, vendor
from hub.relocations.models import Relocation, Report
from municipalities.models import Connection
from tests.conftest import CHIYODA, HAKODATE, NAHA, front, town
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - a fixture
from tests.hub.serving import serving

pytestmark = pytest.mark.usefixtures("db")


class Shell:
    """A person's shell: what is typed stays known to what is typed next."""

    def __init__(self, folder: Path) -> None:
        self.bash = subprocess.Popen(
            ["/bin/bash", "-u"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )  # fmt: skip

    def type(self, commands: str) -> str:
        """Run them; what they print."""
        assert self.bash.stdin is not None
        assert self.bash.stdout is not None
        self.bash.stdin.write(f"{commands}\necho; echo '--- typed'\n")
        self.bash.stdin.flush()
        lines: list[str] = []
        while (line := self.bash.stdout.readline()) != "--- typed\n":
            assert line, f"the shell has ended: {''.join(lines)}"
            lines.append(line)
        return "".join(lines)

    def close(self) -> None:
        self.bash.communicate()


def blocks(hub: str, query: str) -> list[str]:
    """The commands of the guide, block by block."""
    with urllib.request.urlopen(f"{hub}/api/v1/docs?{query}") as answer:  # noqa: S310 - loopback
        page: Any = html.fromstring(answer.read())
    return [pre.text_content() for pre in page.xpath("//section[@id='guide']//pre")]


def as_vendor(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: str) -> str:
    """A town that the demo leaves to a vendor, whose secrets are the tests'; the lines to be pasted."""
    town(code), front(seed.FRONT)
    monkeypatch.setattr(seed, "client_secret", lambda _client: "s3cret")
    vendor.hand_over(vendor.Vendor.read(code), tmp_path)
    lines = list(vendor.Vendor(code).lines(hub))
    assert f"guide    {hub}/api/v1/docs?town={code}" in lines
    assert f"token    {hub}/oauth/token" in lines
    return "\n".join(lines[lines.index("") :])


@pytest.mark.parametrize(("code", "language"), [(NAHA, "en"), (CHIYODA, "ja")])
def test_the_guide_leads_from_a_secret_to_an_answered_record(
    code: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as hub:
        pasted = as_vendor(code, tmp_path, monkeypatch, hub)
        shell = Shell(tmp_path)
        settings, *steps = blocks(hub, f"language={language}&town={code}")
        assert [line.partition("=")[0] for line in settings.splitlines()] == [
            line.partition("=")[0] for line in pasted.strip().splitlines()
        ]  # what the demo prints takes the place of the first block
        assert f"CLIENT_ID=town-{code}" in settings
        shell.type(pasted)
        said = []
        for step in steps + steps[1:] * (language == "en"):  # one reader tries it again
            said.append(shell.type(step))
            journeys.carry()
        shell.close()
    assert len(steps) == 6
    assert '"code"' not in "".join(said), said  # no problem document
    assert json.loads(said[0])["municipality"] == code
    assert json.loads(said[-1].strip().splitlines()[-1])["state"] == "MOVEOUT_ACCEPTED"
    assert (tmp_path / "record.dat").stat().st_size
    with acting(HUB):
        relocation = Relocation.objects.latest("pk")
        row = Delivery.objects.get(relocation_id=relocation.pk, municipality=code)
        assert (row.type, row.state, row.answer) == ("moveout.submitted", "answered", "registered")
        assert set(Receipt.objects.filter(delivery=row).values_list("kind", flat=True)) == {
            "received", "accepted_for_review", "registered",
        }  # fmt: skip
        told = Report.objects.filter(relocation=relocation.pk).values_list("type", flat=True)
        assert set(told) >= {"moveout.reviewing", "moveout.decided"}


def test_a_wrong_secret_is_said_where_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as hub:
        pasted = as_vendor(HAKODATE, tmp_path, monkeypatch, hub)
        said = subprocess.run(
            ["/bin/bash"], input=f"{pasted.replace('s3cret', 'secret')}\n{blocks(hub, 'language=en')[1]}",
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
    assert "no token: look at CLIENT_ID and CLIENT_SECRET" in said.stderr
    assert said.returncode != 0


def test_a_vendors_town_is_simulated_again_by_the_next_run(tmp_path: Path) -> None:
    before = Connection.objects.get(municipality=HAKODATE).address
    pushed = vendor.Vendor.read(f"{HAKODATE}=http://127.0.0.1:9200/inbox")
    vendor.hand_over(pushed, tmp_path)
    assert Connection.objects.get(municipality=HAKODATE).address == "http://127.0.0.1:9200/inbox"
    assert any(line.startswith("KEY=whsec_") for line in pushed.lines("http://127.0.0.1:8000"))
    vendor.take_back(tmp_path)
    vendor.take_back(tmp_path)
    assert Connection.objects.get(municipality=HAKODATE).address == before


@pytest.mark.parametrize("text", ["999999", "", f"{HAKODATE}=ftp://127.0.0.1/", f"{HAKODATE}=http://example.jp/inbox"])
def test_a_town_that_nobody_can_be_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(vendor.NoSuchTownError):
        vendor.hand_over(vendor.Vendor.read(text), tmp_path)


def test_a_guide_for_no_town_is_refused() -> None:
    for asked in ("1", "01202", "0120255", "x'"):
        answer = Client(HTTP_HOST="127.0.0.1").get("/api/v1/docs", {"town": asked})
        assert (answer.status_code, answer.json()["pointer"]) == (400, "/town")
