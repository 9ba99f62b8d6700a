"""Connecting a town step by step at the desk: what is chosen, what is refused, what is left to a worker."""

import base64
import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from hub.accounts import trust
from hub.accounts.models import SystemClient, User
from hub.actors import HUB, acting
from hub.audit.models import Entry
from hub.conformance.models import Report
from hub.deliveries import callbacks
from hub.deliveries.models import Callback
from hub.onboarding import work
from hub.onboarding.models import Draft, Onboarding, Run
from municipalities import standard as standards
from municipalities.conformance import kit
from municipalities.models import Connection
from tests.conftest import CHIYODA, HAKODATE, clerk, connect, filing
from tests.hub import journeys

pytestmark = pytest.mark.django_db

INBOX = "https://town.example.jp/inbox"


class Desk:
    """An operator on the page of one town."""

    def __init__(self, code: str = HAKODATE) -> None:
        self.client = Client(HTTP_HOST="127.0.0.1")
        self.client.cookies["django_language"] = "en"
        self.client.force_login(User.objects.create(username="operator", is_staff=True, is_operator=True))
        page = self.client.post("/admin/onboarding/onboarding/add/", {"municipality": code})
        assert page.status_code == 302
        self.address = str(page["Location"])

    def do(self, what: str, **fields: Any) -> str:
        """Press a button; the page that follows."""
        answer = self.client.post(self.address, {"do": what, **fields}, follow=True)
        assert answer.status_code == 200
        return str(answer.content.decode())

    def page(self) -> str:
        """Look at it."""
        return str(self.client.get(self.address).content.decode())

    def stands(self) -> dict[str, str]:
        """How far each step is."""
        found = re.findall(r'class="module step step-(\w+)" id="(\w+)"', self.page())
        return {name: standing for standing, name in found}

    def plan(self, **fields: str) -> str:
        """What is said, or complained about, where the first day is planned."""
        return self.do("live", **fields).rpartition('id="live"')[2]


def rows(model: Any) -> list[Any]:
    """Every row, as the hub sees them."""
    with acting(HUB):
        return list(model.objects.order_by("pk"))


def file(name: str, content: str | bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())


def report(mode: str = "pull", failed: str = "", **more: Any) -> dict[str, Any]:
    """What the kit prints; all is well, but for one check."""
    names = [check.name for check in kit.table() if mode in check.modes.split()]
    checks = [{"name": name, "passed": name != failed, "seen": ""} for name in names]
    return {"mode": mode, "standard": "gif_json", "town": HAKODATE, "checks": checks} | more


def actions() -> list[str]:
    """What was written down about Hakodate."""
    with acting(HUB):
        return [one.action for one in Entry.objects.filter(subject=f"municipality:{HAKODATE}").order_by("pk")]


def test_a_town_that_fetches_is_connected_from_nothing_to_its_first_day() -> None:
    Connection.objects.filter(municipality=HAKODATE).delete()
    desk = Desk()
    assert set(desk.stands().values()) == {"waiting"}
    desk.do("choose", standard="gif_json", gaiji="")
    desk.do("place", address="pull:", concurrency="2")
    shown = desk.do("system")
    secret = re.findall(r'id="shown-secret">([^<]+)<', shown)[0]
    assert secret not in desk.page()
    assert SystemClient.objects.get(municipality=HAKODATE).client_id == f"town-{HAKODATE}"
    desk.do("report", report=file("report.json", json.dumps(report(failed="burst"))))
    assert desk.stands() == {
        "layout": "done",
        "address": "done",
        "connection": "not_needed",
        "conformance": "done",
        "shadow": "not_needed",
        "live": "waiting",
    }
    signed_in = {"grant_type": "client_credentials", "client_id": f"town-{HAKODATE}", "client_secret": secret}
    assert Client(HTTP_HOST="127.0.0.1").post("/oauth/token", signed_in).status_code == 200
    assert desk.stands()["connection"] == "done"
    first = timezone.localdate() + timedelta(days=7)
    assert "Nothing goes there yet" in desk.plan(day=first.isoformat(), reason="")
    assert not Connection.objects.filter(municipality=HAKODATE).exists()
    desk.plan(day=first.isoformat(), reason="", confirm="1")
    row = Connection.objects.get(municipality=HAKODATE)
    assert (row.standard, row.address, row.concurrency, row.valid_from) == ("gif_json", "pull:", 2, first)
    assert "take the plan back first" in desk.do("place", address="pull:", concurrency="9")
    listed = desk.client.get("/admin/onboarding/onboarding/").content.decode()
    assert "6 / 6" in listed
    with acting(HUB):
        Connection.objects.filter(pk=row.pk).update(valid_from=timezone.localdate())
    work.work()
    assert rows(Onboarding)[0].ended_at is not None
    desk.do("drop")
    assert Connection.objects.filter(pk=row.pk).exists()  # what is live is not undone here
    assert actions() == [
        "onboarding.begun",
        "onboarding.standard_chosen",
        "onboarding.address_given",
        "callback.registered",
        "conformance.recorded",
        "connection.planned",
        "onboarding.live",
    ]


def test_an_address_goes_live_only_after_it_proved_itself_and_below_the_grade_only_with_a_reason() -> None:
    connect(HAKODATE, "juki_list_csv", "memory:x")
    desk = Desk()
    assert desk.stands()["layout"] == "done"  # what it has today is the first choice
    desk.do("choose", standard="gif_json", gaiji="")
    key = re.findall(r'id="shown-key">(whsec_[^<]+)<', desk.do("place", address=INBOX, concurrency="4"))[0]
    assert key not in desk.page()
    day = (timezone.localdate() + timedelta(days=7)).isoformat()
    assert "First: Address and keys" in desk.do("live", day=day, reason="")  # nobody could answer
    desk.do("system")
    assert "being asked to prove itself" in desk.plan(day=day, reason="")
    assert desk.stands()["connection"] == "running"
    with acting(HUB):
        Callback.objects.update(wanted_at=None, tried_at=timezone.now(), code="E117", why="HTTP 404")
    page = desk.page()
    assert desk.stands()["connection"] == "failed"
    assert "must answer a signed challenge" in page
    assert "E117" in desk.plan(day=day, reason="an operator cannot wave this through", confirm="1")
    with acting(HUB):
        Callback.objects.update(wanted_at=None, proven_at=timezone.now(), code="")
    assert "No conformance report" in desk.plan(day=day, reason="")
    desk.do("report", report=file("r.json", json.dumps(report("push", failed="maintenance"))))
    page = desk.page()
    assert desk.stands()["conformance"] == "failed"
    late = next(check for check in kit.table() if check.name == "maintenance")
    assert late.remedy["en"] in page.replace("&#x27;", "'").replace("&quot;", '"')
    assert "has grade C" in desk.plan(day=day, reason="", confirm="1")
    assert "because: it is mended next week" in desk.plan(day=day, reason="it is mended next week")
    desk.plan(day=day, reason="it is mended next week", confirm="1")
    row = Connection.objects.get(municipality=HAKODATE, address=INBOX)
    with acting(HUB):
        assert f"whsec_{base64.b64encode(callbacks.signs(HAKODATE, INBOX)).decode()}" == key
    desk.do("take_back")
    assert not Connection.objects.filter(pk=row.pk).exists()
    assert desk.stands()["live"] == "waiting"


@pytest.mark.parametrize(
    ("what", "fields", "why"),
    [
        ("report", {"report": file("x.json", "{not json")}, "no report of the kit"),
        ("report", {"report": file("x.json", "[]")}, "no report of the kit"),
        ("report", {"report": file("x.json", json.dumps(report("push")))}, "another way of being told"),
        ("report", {"report": file("x.json", json.dumps(report(standard="")))}, "another record standard"),
        ("report", {"report": file("x.json", json.dumps(report(town=CHIYODA)))}, "another municipality"),
        ("draft", {"name": "new_one", "base": "", "file": file("x.bin", b"\x00\x01")}, "The file was not taken"),
        ("draft", {"name": "gif_json", "base": "", "file": file("x.csv", "a,b")}, "standard of this name already"),
        ("place", {"address": "ftp://x/", "concurrency": "4"}, "No transport can use this address"),
        ("choose", {"standard": "no_such", "gaiji": ""}, "no_such"),
        ("live", {"day": "2020-01-01", "reason": ""}, "Tomorrow is the earliest"),
    ],
)
def test_what_cannot_be_is_refused_in_plain_words_and_changes_nothing(what: str, fields: Any, why: str) -> None:
    connect(HAKODATE, "gif_json", "pull:")
    with acting(HUB):
        trust.make("town", HAKODATE, "deliveries reports")
    desk = Desk()
    for one in fields.values():
        if isinstance(one, SimpleUploadedFile):
            one.seek(0)
    assert why in desk.do(what, **fields)
    (row,) = rows(Onboarding)
    assert (row.standard, row.address, row.connection) == ("gif_json", "pull:", None)
    assert rows(Report) + rows(Draft) == []


def test_a_draft_shows_what_was_placed_and_is_taken_away_but_never_chosen() -> None:
    desk = Desk()
    header = "届出年月日,異動者氏名,生年月日,まったく別の項目\r\n".encode("cp932")
    page = desk.do("draft", name="their_layout", base="", file=file("their.csv", header))
    (draft,) = rows(Draft)
    assert "まったく別の項目" in draft.unplaced
    assert "cp932" in draft.told
    assert "まったく別の項目" in page
    answer = desk.client.get(f"/admin/onboarding/onboarding/draft/{draft.pk}/")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {"their_layout/standard.toml", "their_layout/fields.csv"} <= set(archive.namelist())
    assert "their_layout" not in standards.names()
    assert 'value="their_layout"' not in desk.page()


def test_a_worker_tries_what_went_out_and_the_page_says_how_far_it_is() -> None:
    connect(HAKODATE, "gif_json", "memory:now")
    for number in range(2):
        journeys.file(filing(number))
    journeys.carry()
    desk = Desk()
    assert desk.stands()["shadow"] == "not_needed"  # the same layout
    desk.do("choose", standard="regional_xml", gaiji="")
    assert desk.stands()["shadow"] == "waiting"
    for _ in range(2):
        desk.do("shadow")  # twice is once
    assert desk.client.get(f"{desk.address.removesuffix('change/')}standing/").json()["running"] is True
    assert len(rows(Run)) == 1
    while work.work():
        pass
    (run,) = rows(Run)
    assert (run.state, run.done, run.total) == ("done", 2, 2)
    assert sum(run.found["outcomes"].values()) == 2
    assert desk.stands()["shadow"] in ("done", "failed")
    assert "2 notices tried" in desk.page()
    desk.do("choose", standard="juki_list_csv", gaiji="")
    assert desk.stands()["shadow"] == "waiting"  # nothing is known about this one


def test_a_run_whose_worker_was_killed_is_started_again() -> None:
    desk = Desk()
    desk.do("choose", standard="gif_json", gaiji="")
    desk.do("place", address="pull:", concurrency="4")
    desk.do("kit", books="")
    with acting(HUB):
        Run.objects.update(state=Run.State.RUNNING, seen_at=timezone.now() - work.LOST * 2)
    work.work()
    assert desk.stands()["conformance"] == "failed"
    desk.do("kit", books="")
    assert [run.state for run in rows(Run)] == ["failed", "waiting"]


def test_the_list_warns_of_credentials_that_end_and_only_operators_come_here(
    django_assert_max_num_queries: Any,
) -> None:
    desk = Desk()
    desk.do("place", address="pull:", concurrency="4")
    desk.do("system")
    soon = timezone.now() + timedelta(days=3)
    SystemClient.objects.filter(municipality=HAKODATE).update(secret_expires_at=soon)
    assert "A credential ends on" in desk.page()
    for code in (CHIYODA, "011011"):
        desk.client.post("/admin/onboarding/onboarding/add/", {"municipality": code})
    with django_assert_max_num_queries(25):
        listed = desk.client.get("/admin/onboarding/onboarding/").content.decode()
    assert "A credential ends on" in listed
    assert len(rows(Onboarding)) == 3
    desk.client.post("/admin/onboarding/onboarding/add/", {"municipality": CHIYODA})
    assert len(rows(Onboarding)) == 3  # it goes on where somebody left off
    user = clerk(HAKODATE)
    user.plans_connections = True
    user.save()
    desk.client.force_login(user)
    for path in ("/admin/onboarding/onboarding/", desk.address, "/admin/onboarding/onboarding/add/"):
        assert desk.client.get(path).status_code == 403


def test_a_town_that_exchanges_files_is_connected_by_the_report_it_sends() -> None:
    desk = Desk()
    desk.do("choose", standard="gif_json", gaiji="")
    # That its answers may set protection measures is given to who exchanges files alone, and stands on the page.
    refused = desk.do("place", address="pull:", concurrency="1", sets_protection="on")
    assert "Only where files are exchanged" in refused
    desk.do("place", address="folder:hakodate", concurrency="1", sets_protection="on")
    assert "folder:hakodate; its answers may set protection measures" in desk.page()
    assert desk.stands()["conformance"] == "waiting"
    page = desk.page()
    assert 'id="kit-settings"' not in page
    assert "manage.py conformance folder:…" in page
    assert "runs the kit where its folder is" in desk.do("kit", books="")
    assert rows(Run) == []
    assert "another way of being told" in desk.do("report", report=file("r.json", json.dumps(report("pull"))))
    desk.do("report", report=file("r.json", json.dumps(report("files"))))
    assert desk.stands()["conformance"] == "done"
    day = (timezone.localdate() + timedelta(days=7)).isoformat()
    desk.do("live", day=day, reason="", confirm="1")
    assert Connection.objects.get(municipality=HAKODATE, address="folder:hakodate").sets_protection


def test_nothing_internal_is_read_by_the_kit(settings: Any) -> None:
    settings.HUB_CALLBACK_NETWORKS = []
    desk = Desk()
    desk.do("choose", standard="gif_json", gaiji="")
    desk.do("place", address="pull:", concurrency="4")
    assert "internal" in desk.do("kit", books="http://127.0.0.1:9/books")
    assert rows(Run) == []
