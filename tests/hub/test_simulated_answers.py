"""A simulated town answers the hub in its own layout, whichever it has; the hub understands every word."""

from typing import Any

import pytest

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery, Difference, Receipt, Return
from hub.relocations.filing import Filer
from hub.relocations.models import Report
from municipalities import gaiji, standard
from municipalities.models import Connection, GaijiTable
from municipalities.simulator import clerk
from municipalities.simulator.letters import JSON, Letter, has_own_words, letter
from municipalities.simulator.town import Layout, Town
from tests.conftest import HAKODATE, Caller, connect, filing
from tests.conftest import town as caller_of
from tests.hub import journeys

pytestmark = pytest.mark.django_db


def played(name: str, **more: Any) -> Town:
    """Hakodate's system with this layout."""
    return Town(
        code=HAKODATE, standard=name, address="pull:", client_id=f"town-{HAKODATE}", client_secret="s3cret", **more
    )


def handed_over(caller: Caller, **changes: Any) -> tuple[Delivery, bytes]:
    """A move-out that was filed, carried and fetched: the row and the bytes as the town has them."""
    relocation = journeys.file(filing(2, **changes))
    journeys.carry()
    with acting(HUB):
        row = Delivery.objects.get(relocation_id=relocation.pk, municipality=HAKODATE)
    answer = caller.get(f"deliveries/{row.pk}/content")
    assert answer.status_code == 200, answer.content
    return row, bytes(answer.content)


def post(caller: Caller, sent: Letter) -> Any:
    """Send a letter as the town's line does: these bytes (``Client.post`` would recode them)."""
    headers = sent.headers | {"Authorization": f"Bearer {caller.token}"}
    return caller.client.generic("POST", sent.path, sent.body, headers.pop("Content-Type"), headers=headers)


@pytest.mark.parametrize("name", standard.names())
def test_every_layout_answers_a_move_out_from_receipt_to_certificate(name: str) -> None:
    connect(HAKODATE, name, "pull:")
    caller, town = caller_of(HAKODATE), played(name)
    assert has_own_words(town)
    row, content = handed_over(caller)
    sent = [letter(town, step, content) for step in clerk.plan(town.read(content), clerk.today())]
    for one in sent:
        answer = post(caller, one)
        assert answer.status_code == 201, (one.headers, answer.content)
        assert post(caller, one).status_code == 200  # a repeat is the same message
    with acting(HUB):
        row.refresh_from_db()
        assert (row.state, row.answer) == ("answered", "registered")
        kinds = set(Receipt.objects.filter(delivery=row).values_list("kind", flat=True))
        assert kinds == {"received", "accepted_for_review", "registered"}
        told = set(Report.objects.filter(relocation=row.relocation_id).values_list("type", flat=True))
        assert told >= {"moveout.reviewing", "moveout.decided"}
        assert len(told) == 3
        assert not Return.objects.exists()
        assert not Difference.objects.exists()  # substitutes that come back overwrite nothing
    own = [one for one in sent if one.headers["Content-Type"] == town.layout.content_type]
    receipts = 3 if town.layout.answers and not town.layout.content_type.startswith(JSON) else 0
    assert len(own) >= receipts + 1  # the certificate's data at least


def test_a_town_with_gaiji_reads_and_answers_by_its_own_table() -> None:
    table = GaijiTable.objects.create(name="mihon", title="見本")
    rows = "private,sequence,note\nU+E0F0,U+20BB7,\n"
    gaiji.replace(table, gaiji.read("rows.csv", rows.encode()))
    connect(HAKODATE, "gaiji_cp932_csv", "pull:")
    Connection.objects.filter(municipality=HAKODATE).update(gaiji=table)
    caller, town = caller_of(HAKODATE), played("gaiji_cp932_csv", gaiji=table.value())
    movers = filing(5).movers  # 𠮷試験 太郎
    held = Filer(consents_held=tuple(mover.ordinal for mover in movers))
    _, content = handed_over(caller, movers=movers, filer=held)
    assert "\ue0f0".encode("cp932") in content
    assert town.read(content).movers[0].full_name == movers[0].full_name
    steps = clerk.plan(town.read(content), clerk.today())
    assert [post(caller, letter(town, step, content)).status_code for step in steps] == [201] * len(steps)
    with acting(HUB):
        assert not Return.objects.exists()
        assert not Difference.objects.exists()


def test_what_arrives_in_the_layout_of_before_is_read_and_answered_in_it() -> None:
    """A change of layout while a notice is under way: the town still knows its former one."""
    connect(HAKODATE, "mainframe_cp932", "pull:")
    caller = caller_of(HAKODATE)
    town = played("regional_xml", others=(Layout(standard="mainframe_cp932"),))
    _, content = handed_over(caller)
    sent = [letter(town, step, content) for step in clerk.plan(town.read(content), clerk.today())]
    assert {one.headers["Content-Type"] for one in sent} == {JSON, standard.load("mainframe_cp932").content_type}
    assert {post(caller, one).status_code for one in sent} == {201}
