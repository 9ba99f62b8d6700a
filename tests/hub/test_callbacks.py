"""Addresses that the hub calls prove themselves first: by a signed challenge, by a bell, by letting the key in."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.forms.models import model_to_dict
from django.test import Client
from django.utils import timezone, translation

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.api.models import SILENT, Heartbeat
from hub.audit.models import Entry
from hub.deliveries import callbacks, keys
from hub.deliveries.models import Callback
from hub.trays import rounds
from municipalities.admin import GuardedForm
from municipalities.conformance.reference_adapter import Adapter
from municipalities.conformance.reference_line import Refused
from municipalities.models import Connection
from municipalities.transports import calls_back
from tests.conftest import CHIYODA, HAKODATE, NAHA, clerk, connect
from tests.municipalities.shares import SEED, serving

pytestmark = pytest.mark.django_db


class Inbox:
    """A vendor's inbox that answers challenges as the adapter to copy does, with the key it was given."""

    def __init__(self) -> None:
        self.key, self.asked = b"", 0
        box = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                box.asked += 1
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                nothing: Any = None  # neither books nor hub is asked
                adapter = Adapter(nothing, nothing, [box.key])
                try:
                    status, said = adapter.push(self.headers, body)
                    told = json.dumps(said)
                except Refused as refused:
                    status, told = refused.status, f'{{"code": "{refused.code}"}}'
                if self.path == "/mute":
                    told = '{"challenge": "yes"}'
                self.send_response(204 if self.path == "/bell" else status)
                self.end_headers()
                if self.path != "/bell":
                    self.wfile.write(told.encode())

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self) -> None:
        """End it, once."""
        if not self.thread.is_alive():
            return
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """One that listens."""
    opened = Inbox()
    yield opened
    opened.close()


def asked(address: str, inbox: Inbox | None = None, *, knows_key: bool = True) -> Callback:
    """Register an address for Naha and let a worker ask it."""
    with acting(HUB):
        row, key = callbacks.register(NAHA, address)
        if inbox and knows_key:
            inbox.key = key
        callbacks.want(row)
    assert callbacks.work() == 1
    with acting(HUB):
        return Callback.objects.get(pk=row.pk)


def test_an_inbox_proves_itself_by_the_word_of_a_challenge_that_the_towns_key_signed(inbox: Inbox) -> None:
    row = asked(f"{inbox.address}/inbox", inbox)
    assert (row.is_proven, row.wanted_at, row.code) == (True, None, "")
    mute = asked(f"{inbox.address}/mute", inbox)
    stranger = asked(f"{inbox.address}/other", inbox, knows_key=False)
    assert [(one.is_proven, one.code) for one in (mute, stranger)] == [(False, "E117")] * 2
    with acting(HUB):
        actions = [entry.action for entry in Entry.objects.filter(subject=f"municipality:{NAHA}").order_by("pk")]
        assert actions == ["callback.registered", "callback.proved", *["callback.registered", "callback.unproven"] * 2]
        callbacks.replace_key(row)
        row.refresh_from_db()
        assert not row.is_proven  # another key: asked anew


def test_a_bell_proves_itself_by_answering_and_nobody_by_being_away(inbox: Inbox) -> None:
    assert asked(f"pull:?ring={inbox.address}/bell").is_proven
    assert asked(f"pull:?ring={inbox.address}/none").code == "E117"
    inbox.close()
    assert asked(f"{inbox.address}/inbox").code == "E900"
    assert not calls_back("pull:")


def test_nothing_internal_is_asked(inbox: Inbox, settings: Any) -> None:
    settings.HUB_CALLBACK_NETWORKS = ["10.0.0.0/8"]
    for address in (f"{inbox.address}/inbox", f"pull:?ring={inbox.address}/bell"):
        assert asked(address).code == "E116"
    assert inbox.asked == 0


def test_an_sftp_server_proves_itself_by_letting_the_key_in_and_is_guarded_like_an_inbox(
    tmp_path: Path, settings: Any
) -> None:
    link = Connection.objects.get(municipality=NAHA)
    Connection.objects.filter(pk=link.pk).update(signing_key=keys.wrapped(link.pk, SEED))
    with serving(tmp_path / "root") as server:
        assert asked(server.address()).code == "E900"  # no such folder
        (server.root / "town").mkdir()
        row = asked(server.address())
        assert row.is_proven
        with acting(HUB):
            callbacks.replace_key(row)
        assert asked(server.address()).code == "E900"  # it does not know that key
        settings.HUB_CALLBACK_NETWORKS = []
        assert asked(server.address()).code == "E116"
        connect(HAKODATE, "regional_xml", server.address())
        assert rounds.run().unreached >= 1


def test_no_row_of_the_desk_calls_an_address_that_did_not_prove_itself(inbox: Inbox) -> None:
    connect(HAKODATE, "gif_json", "memory:x")
    row = Connection.objects.get(municipality=HAKODATE)
    same = {name: "" if value is None else value for name, value in model_to_dict(row, GuardedForm.base_fields).items()}
    address = f"{inbox.address}/inbox"
    with acting(HUB), translation.override("ja"):
        errors = GuardedForm(same | {"address": address}, instance=row).errors["standard"]
        assert "署名鍵" in str(errors)


def test_the_desk_shows_whose_system_was_heard_and_the_silent_ones_first() -> None:
    now = timezone.now()
    with acting(HUB):
        for code, at in ((HAKODATE, now), (CHIYODA, now - SILENT * 2)):
            Heartbeat.objects.create(municipality_id=code, at=at, open=True, software="x")
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(User.objects.create(username="operator", is_staff=True, is_operator=True))
    shown = client.get("/admin/api/heartbeat/").content.decode()
    assert 0 < shown.index("千代田区") < shown.index("函館市")
    silent = client.get("/admin/api/heartbeat/", {"silent": "yes"}).content.decode()
    assert ("千代田区" in silent, "函館市" in silent.partition('id="result_list"')[2]) == (True, False)
    client.force_login(clerk(HAKODATE))
    assert client.get("/admin/api/heartbeat/").status_code == 403
