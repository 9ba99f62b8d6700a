"""Replays: what is previewed is what goes, in order and under the same ids; four eyes above the limit; stoppable."""

# ruff: noqa: F811 - a fixture is imported and then asked for by its name

import pytest
from django.test import Client

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.catalogue import Refusal
from hub.deliveries import replays, tasks
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery, Replay
from hub.deliveries.replays import Chosen
from hub.deliveries.states import Answer
from tests.conftest import HAKODATE, TENRYU
from tests.hub.committed import db, make_due  # noqa: F401 - a fixture
from tests.hub.pushing import file, pushed, run, told  # noqa: F401 - a fixture among them
from tests.hub.receivers import Towns

pytestmark = pytest.mark.usefixtures("db")
REFUSED = Chosen(cause="refused")


def operator(name: str = "operator") -> User:
    """An operator of the hub."""
    return User.objects.create_user(name, password="x" * 12, is_staff=True, is_operator=True)


def held(towns: Towns, code: str, count: int) -> list[str]:
    """Deliveries that this town refused, in the order of their making."""
    towns.says[code] = [422] * count
    ids = [str(told(file(code)).pk) for _ in range(count)]
    run()
    towns.got.clear()
    return ids


def ask(chosen: Chosen = REFUSED, by: User | None = None) -> Replay:
    """Ask for a replay."""
    with acting(HUB):
        return replays.ask(chosen, "repaired", by or operator())


def state_of(replay: Replay) -> tuple[str, int, int]:
    """State, sent again, skipped."""
    with acting(HUB):
        row = Replay.objects.get(pk=replay.pk)
    return row.state, row.sent, row.skipped


def test_what_was_previewed_goes_again_under_the_same_ids(pushed: Towns) -> None:
    ids, others = held(pushed, HAKODATE, 3), held(pushed, TENRYU, 1)
    with acting(HUB):
        assert replays.preview(REFUSED) == replays.Preview(going={HAKODATE: 3, TENRYU: 1}, accepted=0)
        assert replays.preview(Chosen(municipality=TENRYU, type="moveout.submitted")).total == 1
        assert replays.preview(Chosen(cause="data")).total == 0
    replay = ask(Chosen(municipality=HAKODATE))
    tasks.replay()
    assert state_of(replay) == ("done", 3, 0)
    run()
    assert sorted(pushed.ids(HAKODATE)) == sorted(ids)
    with acting(HUB):
        assert Delivery.objects.get(pk=others[0]).state == "held"


def test_what_was_accepted_meanwhile_is_skipped(pushed: Towns) -> None:
    for _ in range(2):
        file(HAKODATE)
    run()
    with acting(HUB):
        first, second = Delivery.objects.filter(municipality=HAKODATE, state="sent")
        chosen = Chosen(state="sent", municipality=HAKODATE)
        assert replays.preview(chosen).total == 2
    replay = ask(chosen)
    with acting(HUB):
        row = deliveries.locked(first.pk, HAKODATE)
        deliveries.receive(row, deliveries.ReceiptBody(kind=Answer.REGISTERED))
        assert replays.preview(Chosen(state="answered")).accepted == 1
    pushed.got.clear()
    tasks.replay()
    run()
    assert pushed.ids(HAKODATE) == [str(second.pk)]
    assert state_of(replay) == ("done", 1, 0)  # the answered one was no longer among what is chosen


def test_above_the_limit_a_second_operator_confirms(pushed: Towns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "FOUR_EYES", 1)
    held(pushed, HAKODATE, 2)
    first, second = operator("first"), operator("second")
    replay = ask(by=first)
    tasks.replay()
    assert state_of(replay) == ("waiting", 0, 0)
    with acting(HUB), pytest.raises(Refusal, match="E107"):
        replays.confirm(replay, first)
    with acting(HUB):
        replays.confirm(replay, second)
    with acting(HUB), pytest.raises(Refusal, match="E200"):
        replays.confirm(replay, second)
    tasks.replay()
    assert state_of(replay) == ("done", 2, 0)


def test_a_replay_is_stopped_half_way_and_one_that_lost_its_process_goes_on(
    pushed: Towns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "BATCH", 1)
    held(pushed, HAKODATE, 3)
    replay = ask()
    assert replays.advance() == 1
    assert state_of(replay) == ("running", 1, 0)
    with acting(HUB):
        replays.stop(replay)
    assert replays.advance() == 0
    assert state_of(replay) == ("stopped", 1, 0)
    with acting(HUB):
        assert Delivery.objects.filter(municipality=HAKODATE, state="held").count() == 2
    rest = ask(by=operator("second"))
    assert replays.advance() == 1  # and then its process dies; any other goes on behind it
    tasks.replay()
    assert state_of(rest) == ("done", 2, 0)


def test_operators_ask_with_a_preview_at_the_desk(pushed: Towns) -> None:
    ids = held(pushed, HAKODATE, 2)
    client, form = Client(HTTP_HOST="127.0.0.1"), {"state": "held", "cause": "refused", "reason": "修正済み"}
    client.force_login(operator())
    assert client.get("/admin/deliveries/replay/add/").status_code == 200
    shown = client.post("/admin/deliveries/replay/add/", form).content.decode()
    assert "2件を同じIDで再送します" in shown
    assert f"{HAKODATE} 函館市" in shown
    assert not list(pushed.got)
    assert client.post("/admin/deliveries/replay/add/", form | {"confirm": "1"}).status_code == 302
    tasks.replay()
    run()
    assert sorted(pushed.ids(HAKODATE)) == sorted(ids)
    assert "完了" in client.get("/admin/deliveries/replay/").content.decode()


def test_clerks_do_not_replay(pushed: Towns) -> None:
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(User.objects.create_user("clerk", municipality_id=HAKODATE, is_staff=True))
    assert client.get("/admin/deliveries/replay/add/").status_code == 403
    assert client.get("/admin/deliveries/replay/").status_code == 403


@pytest.mark.parametrize(("chosen", "reason"), [(REFUSED, "x"), (Chosen(state="queued"), "x")])
def test_a_replay_of_nothing_is_refused(chosen: Chosen, reason: str) -> None:
    with acting(HUB), pytest.raises(Refusal, match="E110"):
        replays.ask(chosen, reason, operator())
