"""Who filed for a person who is now protected is shown what was shown before; and «none» is «hidden» to the database."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from difflib import unified_diff
from typing import Any

import msgspec
import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.catalogue import Refusal
from hub.consents.models import Request
from hub.consents.services import digest
from hub.deliveries import windows
from hub.deliveries.models import Delivery
from hub.ids import uuid7
from hub.protection import services as protection
from hub.protection.models import Act, Release
from hub.relocations import changing, firing, onward, services, status, successions
from hub.relocations.filing import Filer, Filing
from hub.relocations.models import Alert, Relocation
from hub.vault import services as vault
from municipalities.models import Municipality, Succession
from tests.conftest import CHIYODA, HAKODATE, NAHA, clerk, filing, front, front_document
from tests.hub import journeys
from tests.hub.family import citizen

pytestmark = pytest.mark.django_db

ONE, TWO = (Actor(ActorKind.CLERK, HAKODATE, name, PROTECTS) for name in ("901", "902"))
FRONT = Actor(ActorKind.FRONT, name="front")


def at(user: User) -> Client:
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(user)
    return client


def filed_by(owner: Actor, ordinal: int) -> Relocation:
    """Two who move, filed by this one of them."""
    document = msgspec.structs.replace(filing(1), filer=Filer(ordinal=ordinal, consents_held=(1, 2)))
    return services.file(document, owner)[0]


def protect(relocation: Relocation) -> int:
    """The town's clerk protects the first of them."""
    terms = {"contact_office": "市民課", "expires_on": timezone.localdate() + timedelta(days=300), "provisional": False}
    with acting(ONE):
        return protection.set_for_filed(ONE, relocation.receipt_no, 1, **terms).pk


def end(measure: int) -> None:
    """Two clerks end it."""
    with acting(ONE):
        protection.ask(ONE, Act.END, measure)
    with acting(TWO):
        protection.release(TWO, Release.objects.get(measure=measure, act=Act.END).pk)


def go_on(relocation: Relocation, until: str) -> None:
    """Let the towns go on up to this report."""
    with acting(HUB):
        said = journeys.course(relocation, services.filing_of(relocation))
    for one in said:
        journeys.carry()
        journeys.fetch()
        journeys.say(relocation, one)
        if one.word == until:
            break
    hand_over()


def hand_over() -> None:
    """No town has anything in its way: it has what it is told in the same minute."""
    while journeys.carry() + journeys.fetch():
        pass
    time.sleep(onward.TAKES.total_seconds())


def plain(answer: Any) -> str:
    """A page without what differs each time."""
    page = re.sub(r'csrfmiddlewaretoken" value="[^"]*"|(?<=&quot;key&quot;:&quot;)[^&]*', "", answer.content.decode())
    return re.sub(r"\n\s*(?=\n)", "", page)


def same(pages: list[str], others: list[str]) -> None:
    """Pages are alike byte for byte; what differs is shown."""
    for page, other in zip(pages, others, strict=True):
        assert not list(unified_diff(other.splitlines(), page.splitlines(), n=0))


def shown(client: Client, path: str) -> str:
    """As ``plain``, whatever the spaces."""
    return " ".join(plain(client.get(path)).split())


@contextmanager
def undone() -> Iterator[None]:
    """Nothing of it happened."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_who_filed_for_a_protected_person_is_shown_nothing_new() -> None:
    user = citizen()
    relocation = filed_by(user.actor, 2)
    path = f"/relocations/{relocation.receipt_no}/"
    go_on(relocation, "moveout.decided")
    before, home = shown(at(user), path), at(user).get("/").content.decode()
    measure = protect(relocation)
    go_on(relocation, "movein.decided")
    with acting(HUB):
        relocation.refresh_from_db()
    assert relocation.state == "ARRIVED"
    after = at(user).get(path).content.decode()
    assert shown(at(user), path) == before
    assert "転入を登録しました" not in after
    assert "登録されました" not in at(user).get("/").content.decode()
    assert home.count("chip-state") == at(user).get("/").content.decode().count("chip-state")
    with acting(HUB):
        relocation.refresh_from_db()
    assert (relocation.version, relocation.state) == (1, "ARRIVED")
    end(measure)
    assert "転入を登録しました" in at(user).get(path).content.decode()


@pytest.mark.parametrize("until", ["moveout.reviewing", "moveout.decided"])
def test_a_move_after_a_hidden_one_waits_by_what_is_shown_of_that(until: str) -> None:
    """Its going on would tell that the protected person is registered; that it waits says what is shown anyway."""
    user = citizen()
    first = filed_by(user.actor, 2)
    other = msgspec.structs.replace(filing(2), follows=first.receipt_no)
    with undone():  # one that follows can be filed before or after the measure, and looks the same
        before = services.file(other, user.actor)[0].state
    second = services.file(msgspec.structs.replace(filing(3), follows=first.receipt_no), user.actor)[0]
    go_on(first, until)
    path = f"/relocations/{second.receipt_no}/"
    places = (path, "/file/", "/")
    pages = [plain(at(user).get(where)) for where in places]
    assert "登録されるまでお預かりします" in pages[0]
    measure = protect(first)
    go_on(first, "movein.decided")
    journeys.carry()
    same([plain(at(user).get(where)) for where in places], pages)
    with acting(HUB):
        first.refresh_from_db()
        assert first.state == "ARRIVED"
        assert not Delivery.objects.filter(relocation_id=second.pk, type="moveout.submitted").exists()
    assert services.file(other, user.actor)[0].state == before
    end(measure)
    with acting(HUB):
        assert Delivery.objects.filter(relocation_id=second.pk, type="moveout.submitted").exists()


def test_a_move_after_one_that_was_registered_before_the_measure_goes_on() -> None:
    user = citizen()
    first = filed_by(user.actor, 2)
    go_on(first, "movein.decided")
    protect(first)
    second = services.file(msgspec.structs.replace(filing(2), follows=first.receipt_no), user.actor)[0]
    with acting(HUB):
        assert Delivery.objects.filter(relocation_id=second.pk, type="moveout.submitted").exists()


def test_a_protected_person_who_filed_goes_on_seeing_everything() -> None:
    user = citizen()
    relocation = filed_by(user.actor, 1)
    protect(relocation)
    go_on(relocation, "movein.decided")
    assert "転入を登録しました" in at(user).get(f"/relocations/{relocation.receipt_no}/").content.decode()


def test_a_front_is_shown_nothing_new_either() -> None:
    relocation = filed_by(FRONT, 2)
    go_on(relocation, "moveout.decided")
    keys = ("state", "version", "legs", "deadlines", "procedures")
    with acting(FRONT):
        before = status.document(relocation.pk)
    for leg in before["legs"]:
        for notice in leg["notices"]:
            notice["due_at"] = None
    protect(relocation)
    go_on(relocation, "movein.decided")
    with acting(FRONT):
        after = status.document(relocation.pk)
    for leg in after["legs"]:
        for notice in leg["notices"]:
            notice["due_at"] = None
    for key in keys:
        assert after[key] == before[key]
    with acting(HUB):
        events = relocation.events.count()
    changing.withdraw(relocation.pk, FRONT)
    with acting(HUB):
        assert relocation.events.count() == events
    with pytest.raises(Refusal, match="E200"):
        changing.amend(relocation.pk, filing(1), FRONT)


def test_a_merger_later_on_is_not_shown_either() -> None:
    user = citizen()
    relocation = filed_by(user.actor, 2)
    path = f"/relocations/{relocation.receipt_no}/"
    go_on(relocation, "moveout.decided")
    before, home = shown(at(user), path), shown(at(user), "/")
    protect(relocation)
    today = timezone.localdate()
    Municipality.objects.filter(pk=CHIYODA).update(valid_to=today - timedelta(days=1))
    Succession.objects.create(predecessor_id=CHIYODA, successor_id=NAHA, on=today)
    assert successions.follow() == 1
    with acting(HUB):
        relocation.refresh_from_db()
    assert relocation.destination_id == NAHA
    assert shown(at(user), path) == before
    assert shown(at(user), "/") == home
    assert "千代田区" in before


def test_a_front_hears_of_no_change_either(towns: None) -> None:
    partner = front()
    document = msgspec.structs.replace(filing(1), filer=Filer(ordinal=2, consents_held=(1, 2)))

    def file_it() -> Any:
        return partner.post("relocations", document, idempotency_key="1").json()

    receipt_no = file_it()["receipt_no"]
    with acting(HUB):
        relocation = Relocation.objects.get(receipt_no=receipt_no)
    go_on(relocation, "moveout.decided")
    before, filed = partner.get("changes").json(), file_it()
    protect(relocation)
    go_on(relocation, "movein.decided")
    assert partner.get("changes").json()["changes"] == before["changes"]
    assert partner.get(f"changes?since={before['cursor']}").json()["changes"] == []
    assert file_it() == filed
    partner.post(f"relocations/{relocation.pk}/withdrawal", {})
    assert partner.get("changes").json()["changes"] == before["changes"]


def test_what_a_front_withdraws_or_amends_is_answered_as_if_a_town_had_decided(towns: None) -> None:
    partner = front()
    document = msgspec.structs.replace(filing(1), filer=Filer(ordinal=2, consents_held=(1, 2)))
    filed = partner.post("relocations", document, idempotency_key="1").json()
    with acting(HUB):
        relocation = Relocation.objects.get(pk=filed["id"])
    go_on(relocation, "moveout.decided")

    def answers() -> list[tuple[int, Any]]:
        path = f"relocations/{relocation.pk}"
        since = partner.get("changes").json()["cursor"]
        said = [partner.post(f"{path}/withdrawal", {}), partner.post(f"{path}/amendments", front_document(document))]
        said += [partner.get(path), partner.get(f"changes?since={since}"), partner.post(f"{path}/withdrawal", {})]
        found = [(one.status_code, one.json()) for one in said]
        for _, body in found:
            for name in ("request_id", "cursor"):
                body.pop(name, None)
            for leg in body.get("legs", ()):
                for notice in leg["notices"]:
                    notice["due_at"] = None
        return found

    with undone():
        decided = answers()
    assert [status for status, _ in decided] == [200, 409, 200, 200, 200]
    protect(relocation)
    go_on(relocation, "movein.decided")
    assert answers() == decided


def test_measures_are_set_and_ended_though_a_filing_was_shredded_meanwhile() -> None:
    user = citizen()
    first, second = filed_by(user.actor, 2), filed_by(user.actor, 2)
    with acting(HUB):
        vault.shred(first.pk)
    measure = protect(second)
    with acting(HUB):
        vault.shred(second.pk)
    # What it was like then, nobody can say any more.
    assert at(user).get(f"/relocations/{second.receipt_no}/").status_code == 404
    assert second.receipt_no not in at(user).get("/").content.decode()
    end(measure)
    assert at(user).get(f"/relocations/{second.receipt_no}/").status_code == 200


def test_a_filing_after_the_measure_stays_as_it_was_received() -> None:
    protect(filed_by(citizen("before").actor, 1))
    user = citizen()
    relocation = filed_by(user.actor, 2)
    go_on(relocation, "movein.decided")
    page = at(user).get(f"/relocations/{relocation.receipt_no}/").content.decode()
    assert "転出届を受理しました" not in page
    assert "北海道函館市" in page


@pytest.mark.parametrize(("set_on", "seen_on"), [(0, 9), (0, 10), (0, 13), (9, 10), (10, 10), (11, 12), (11, 13)])
def test_a_reminder_comes_by_the_calendar_whatever_became_of_the_move(set_on: int, seen_on: int) -> None:
    """Days of the fourteen after moving in; the movers were registered right after the measure."""
    user = citizen()
    relocation = filed_by(user.actor, 2)
    with acting(HUB):
        start = services.filing_of(relocation).living_from
    assert start is not None
    go_on(relocation, "moveout.decided")
    now, today = timezone.now(), timezone.localdate()

    def day(number: int) -> Any:
        return time_machine.travel(now + (start - today) + timedelta(days=number), tick=True)

    def reminded() -> list[str]:
        with day(seen_on):
            firing.fire()
            page = at(user).get(f"/relocations/{relocation.receipt_no}/").content.decode()
        return re.findall(r"残り\d+日", page)

    if set_on:
        with day(set_on):
            firing.fire()
    with undone():
        ordinary = reminded()
    assert bool(ordinary) == (seen_on >= 10)
    with day(set_on) if set_on else nullcontext():
        protect(relocation)
        go_on(relocation, "movein.decided")
    assert reminded() == ordinary


def test_who_protects_and_nobody_else_is_told_of_what_the_filer_says() -> None:
    user = citizen()
    relocation = filed_by(user.actor, 2)
    go_on(relocation, "moveout.reviewing")
    protect(relocation)
    changing.amend(relocation.pk, msgspec.structs.replace(filing_now(relocation), remarks="訂正します"), user.actor)
    changing.withdraw(relocation.pk, user.actor)
    with acting(user.actor):
        looks = status.visible(relocation.pk)
    assert (looks.version, looks.state) == (2, "WITHDRAWN")
    for clerk_, told in ((ONE, 2), (Actor(ActorKind.CLERK, HAKODATE, "903"), 0), (Actor(ActorKind.CLERK, CHIYODA), 0)):
        with acting(clerk_):
            assert Alert.objects.filter(code="A435").count() == told
    with acting(HUB):
        relocation.refresh_from_db()
    assert (relocation.version, relocation.state) == (1, "IN_REVIEW")


def filing_now(relocation: Relocation) -> Filing:
    with acting(HUB):
        return services.filing_of(relocation)


def test_what_waits_for_a_closed_town_is_shown_to_wait_until_it_opens() -> None:
    protect(filed_by(citizen("before").actor, 1))
    now = timezone.now()
    with acting(HUB):
        windows.announce(HAKODATE, now - timedelta(minutes=1), now + timedelta(hours=1))
    relocation = filed_by(FRONT, 2)
    with acting(HUB):
        relocation.refresh_from_db()
    assert relocation.frozen_at is not None

    def handed_over_at() -> Any:
        with acting(FRONT):
            origin = status.document(relocation.pk)["legs"][0]
        return origin["municipality"], origin["notices"][0]["sent_at"]

    assert handed_over_at() == (HAKODATE, None)
    with time_machine.travel(now + timedelta(hours=3)):
        assert handed_over_at() == (HAKODATE, now + timedelta(hours=1) + onward.TAKES)


# --- None and hidden -----------------------------------------------------------------------------------


def hidden() -> Relocation:
    """A filing under protection, of somebody else; one of two is asked to agree."""
    relocation = filed_by(citizen("victim").actor, 1)
    protect(relocation)
    with acting(HUB):
        Request.objects.create(relocation=relocation, ordinal=2, subject=b"2", token=digest("hidden"))
    return relocation


#: What somebody who must not know asks for, of one that is hidden or of one that does not exist.
DOORS: dict[str, tuple[str, Callable[[Client, str, str], Any]]] = {
    "list": ("clerk", lambda client, no, _: client.get("/admin/relocations/relocation/", {"q": no})),
    "page": ("clerk", lambda client, _, pk: client.get(f"/admin/relocations/relocation/{pk}/change/")),
    "deliveries": ("clerk", lambda client, no, _: client.get("/admin/deliveries/delivery/", {"q": no})),
    "tasks": ("clerk", lambda client, no, _: client.get("/admin/procedures/task/", {"q": no})),
    "counter": ("clerk", lambda client, no, _: client.post("/admin/consents/request/add/", {"receipt_no": no})),
    "status": ("citizen", lambda client, no, _: client.get(f"/relocations/{no}/")),
    "withdraw": ("citizen", lambda client, no, _: client.post(f"/relocations/{no}/withdraw/")),
}


def asked(client: Client, door: Callable[[Client, str, str], Any], no: str, pk: str) -> tuple[int, str, list[str]]:
    """Status, page and the statements that it took, without what names the one that was asked for."""
    with CaptureQueriesContext(connection) as queries:
        answer = door(client, no, pk)
    page = re.sub(r'csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())
    for name in (no, pk):
        page = page.replace(name, "…")
    kinds = [re.sub(r"'[^']*'(::\w+)?|\b\d+\b|\"s\d+_x\d+\"", "?", one["sql"]) for one in queries.captured_queries]
    return answer.status_code, page, kinds


@pytest.mark.parametrize("name", DOORS)
def test_one_that_is_hidden_asks_no_more_of_the_database_than_one_that_is_not(name: str) -> None:
    relocation = hidden()
    who, door = DOORS[name]
    client = at(clerk(HAKODATE) if who == "clerk" else citizen("other"))
    door(client, "00-TEST-0001-T", str(uuid7()))  # what is remembered by a process is remembered
    there = asked(client, door, relocation.receipt_no, str(relocation.pk))
    nothing = asked(client, door, "4F-P5P3-HDAY-G", str(uuid7()))
    assert there[:2] == nothing[:2]
    assert there[2] == nothing[2]


def test_a_link_to_a_hidden_filing_is_as_dead_as_any() -> None:
    hidden()
    client = at(citizen("other"))
    assert client.get("/consents/hidden/").status_code == client.get("/consents/nothing/").status_code == 404
    pages = [client.get(f"/consents/{token}/").content.decode() for token in ("hidden", "nothing")]
    first, second = (re.sub(r'value="[^"]*"|consents/\w+', "", page) for page in pages)
    assert first == second
