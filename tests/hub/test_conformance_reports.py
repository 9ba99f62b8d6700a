"""Reports of the conformance kit as the hub keeps them, and connections that go live only with the needed grade."""

import json
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.forms.models import model_to_dict
from django.test import Client
from django.utils import timezone, translation

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.audit.models import Entry
from hub.catalogue import Refusal
from hub.conformance import services
from hub.conformance.models import Report
from municipalities.admin import ConnectionInline, GuardedForm
from municipalities.conformance import kit, options
from municipalities.models import Connection
from tests.conftest import CHIYODA, HAKODATE, clerk, connect

pytestmark = pytest.mark.django_db

ADD = "/admin/shadow/change/add/"
ROOT = Path(__file__).resolve().parents[2]


def document(mode: str = "pull", failed: str = "", **more: Any) -> dict[str, Any]:
    """A report in which all is well, but for one check."""
    names = [check.name for check in kit.table() if mode in check.modes.split()]
    checks = [{"name": name, "passed": name != failed, "seen": "x" * (name == failed)} for name in names]
    return {"grade": "A", "mode": mode, "standard": "gif_json", "checks": checks} | more


def record(code: str = HAKODATE, **how: Any) -> Report:
    with acting(HUB):
        return services.record(code, document(**how))


def desk(user: User) -> Client:
    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies["django_language"] = "en"
    client.force_login(user)
    return client


def operator() -> User:
    return User.objects.create(username="operator", is_staff=True, is_operator=True)


def plan(client: Client, **changes: Any) -> str:
    """Plan a change of Hakodate to fetching in gif_json; the page that answers."""
    connect(HAKODATE, "mainframe_cp932", "memory:x")
    first = {"municipality": HAKODATE, "valid_from": timezone.localdate() + timedelta(days=9), "standard": "gif_json"}
    more = {"address": "pull:", "gaiji": "", "concurrency": 4, "tried_from": "", "reason": "", "confirm": "1"}
    fields = {name: value for name, value in (first | more | changes).items() if (name, value) != ("confirm", "")}
    return str(client.post(ADD, fields).content.decode())


def planned() -> bool:
    return Connection.objects.filter(municipality=HAKODATE).count() == 2


def test_the_grade_is_worked_out_from_the_checks_never_taken_from_the_document() -> None:
    assert record().grade == "A"
    assert record(failed="burst").grade == "B"
    assert record(failed="maintenance").grade == "C"
    assert record(failed="duplicate").grade == "D"
    assert record(checks=[]).grade == "B"  # nothing failed, nothing was made
    with pytest.raises(Refusal):
        record(mode="post")
    with pytest.raises(Refusal):
        record(standard="no_such_standard")


def test_without_the_needed_grade_nothing_goes_live() -> None:
    client = desk(operator())
    assert "No conformance report" in plan(client)
    record(failed="maintenance")
    assert "has grade C: B is needed" in plan(client)
    record(code=CHIYODA)  # another town's
    record(mode="push")  # another way
    record(standard="juki_list_csv")  # another layout
    assert not planned()
    assert "has grade C" in plan(client)
    record(failed="burst")
    plan(client)
    assert planned()


def test_a_town_that_exchanges_files_needs_its_grade_too_and_shows_it() -> None:
    client = desk(operator())
    for address in (
        "folder:town",
        "sftp://town@files.example.jp/in?hostkey=SHA256:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ):
        with translation.override("en"):
            assert "No conformance report" in services.against(HAKODATE, "gif_json", address)
    assert "No conformance report" in plan(client, address="folder:town")
    row = record(mode="files", failed="half_written")
    assert row.grade == "D"
    assert "has grade D: B is needed" in plan(client, address="folder:town")
    assert not planned()
    page = client.get(f"/admin/conformance/report/{row.pk}/change/").content.decode()
    assert next(check for check in kit.table() if check.name == "half_written").title["en"] in page
    assert "exchanges files" in client.get("/admin/conformance/report/").content.decode()
    record(mode="files")
    plan(client, address="folder:town")
    assert planned()


def test_an_operator_overrides_with_a_reason_that_is_kept_and_a_clerk_does_not() -> None:
    user = clerk(HAKODATE)
    user.plans_connections = True
    user.save()
    assert "Only an operator" in plan(desk(user), reason="we are ready")
    assert not planned()
    client = desk(operator())
    assert "because: the kit runs next week" in plan(client, reason="the kit runs next week", confirm="")
    plan(client, reason="the kit runs next week")
    assert planned()
    with acting(HUB):
        entry = Entry.objects.filter(action="connection.planned").get()
    assert entry.detail["reason"] == "the kit runs next week"


def test_a_row_made_at_the_desk_is_held_to_the_grade_too_and_an_unchanged_one_is_not_asked() -> None:
    connect(HAKODATE, "mainframe_cp932", "memory:x")
    row = Connection.objects.get(municipality=HAKODATE)
    assert ConnectionInline.form is GuardedForm
    same = {name: "" if value is None else value for name, value in model_to_dict(row, GuardedForm.base_fields).items()}
    with acting(HUB):
        assert GuardedForm(same | {"concurrency": 5}, instance=row).errors == {}
        (why,) = GuardedForm(same | {"address": "pull:"}, instance=row).errors["standard"]
        record(standard="mainframe_cp932")
        assert GuardedForm(same | {"address": "pull:"}, instance=row).errors == {}
    assert "B" in why


def test_a_report_shows_what_to_do_to_the_town_it_is_about() -> None:
    row = record(failed="late")
    for user, status in ((clerk(HAKODATE), 200), (clerk(CHIYODA), 302)):
        page = desk(user).get(f"/admin/conformance/report/{row.pk}/change/")
        assert page.status_code == status
        if status == 200:
            late = next(check for check in kit.table() if check.name == "late")
            assert late.remedy["en"] in page.content.decode()


@pytest.mark.parametrize(("mode", "adapter"), [("push", "reference_adapter"), ("files", "reference_files")])
def test_the_command_grades_an_adapter_and_keeps_the_report(
    mode: str, adapter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIKKOSHI_BOOKS", str(tmp_path / "adapter.sqlite3"))
    monkeypatch.setenv("HIKKOSHI_POLL", "0.05")
    port, out = options.free_port(), StringIO()
    address = f"http://127.0.0.1:{port}/"
    start = f"{sys.executable} {ROOT / 'municipalities' / 'conformance' / adapter}.py"
    url = address if mode == "push" else f"folder:{tmp_path / 'tray'}"
    arguments = [url, "--start", start, "--books", f"{address}books", "--only", "ordinary", "--town", HAKODATE]
    call_command("conformance", *arguments, "--json", "--record", stdout=out, stderr=StringIO())
    told = json.loads(out.getvalue())
    assert told["grade"] == "A"
    assert told["checks"][0] | {"name": "ordinary", "passed": True} == told["checks"][0]
    with acting(HUB):
        kept = Report.objects.get(municipality=HAKODATE)
    assert (kept.mode, kept.grade) == (mode, "B")  # the other checks were not made
    with pytest.raises(CommandError):
        call_command("conformance", *arguments, "--standard", "no_such_standard", stderr=StringIO())
