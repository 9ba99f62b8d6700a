"""Every page of a citizen and every door of a front, for an ordinary filing and for one that is hidden: no difference.

The same filing is walked twice: as anybody's, which is undone, and under a measure, while the towns went on. A page or
door that is not walked fails the test too.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import unified_diff
from typing import Any

import msgspec
import pytest
from django.test import Client

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.api.openapi import operations
from hub.citizens import urls
from hub.consents import services as consents
from hub.consents.models import Means, Request
from hub.deliveries.models import Delivery
from hub.procedures.models import AnswerSheet, Task
from hub.relocations import services
from hub.relocations.filing import Filer, Filing
from hub.relocations.models import Event, Relocation
from municipalities.notice import UncertainDate
from tests.conftest import CHIYODA, NAHA, Caller, filing, front, front_document
from tests.hub.family import citizen, days
from tests.hub.test_frozen import ONE, at, end, go_on, hand_over, plain, protect, undone
from tests.hub.visitor import Visitor

pytestmark = pytest.mark.django_db

#: How far the filing had come when the measure was set. ``consent``: another adult has not agreed yet.
POINTS = ("consent", "filed", "moveout.reviewing", "moveout.decided", "movein.decided")
#: Points at which nothing can be changed or taken back any more.
DECIDED = ("moveout.decided", "movein.decided")

#: A child's birthday.
BORN = UncertainDate(2018, 5, 1)

Seen = tuple[str, int, str]
Walk = Iterator[tuple[str, Any]]


def document(point: str) -> Filing:
    held = () if point == "consent" else (1, 2)
    movers = filing(1).movers[:2]
    return msgspec.structs.replace(filing(1), filer=Filer(ordinal=2, consents_held=held), movers=movers)


def bring(relocation: Relocation, point: str) -> None:
    """Let the towns go on up to there."""
    if point not in ("consent", "filed"):
        go_on(relocation, point)


def hide(relocation: Relocation) -> int:
    """Set the measure, and let all go on that its filer must not see: who was asked agrees at the counter."""
    measure = protect(relocation)
    with acting(HUB):
        waiting = list(Request.objects.filter(relocation=relocation, answer="PENDING").values_list("pk", flat=True))
    for pk in waiting:
        with acting(ONE):
            consents.record(pk, ONE, Means.PHOTO, agrees=True)
    go_on(relocation, "")
    return measure


# --- The citizen ---------------------------------------------------------------------------------------


def text(answer: Any) -> str:
    """What is shown, and where a redirect led; without what is made anew each time."""
    led = [f"→ {address}" for address, _ in getattr(answer, "redirect_chain", ())]
    # What a town's system cannot write shows once something was written for it, which nothing is that is only shown.
    page = re.sub(r"DTSTAMP:\w+|(?<=<time )[^<]*|\s*<h4>文字</h4>\s*<ul.*?</ul>", "", "\n".join([*led, plain(answer)]))
    return re.sub(r"/consents/[\w-]{43}/", "/consents/…/", page)


def pages(user: User, relocation: Relocation, point: str) -> Walk:
    """Ask for everything there is of a filing, then say everything there is to say; by the names of the addresses."""
    path, client = f"/relocations/{relocation.receipt_no}/", at(user)
    other = at(User.objects.create(username="other"))

    def get(where: str, by: Client = client) -> Any:
        return by.get(where, follow=True)

    def post(where: str, sent: Mapping[str, str] = {}, by: Client = client) -> Any:
        answer = by.post(where, dict(sent))
        hand_over()
        if answer.status_code != 302:
            return answer
        led = get(answer["Location"], by)
        led.redirect_chain = [(answer["Location"], 302), *led.redirect_chain]
        return led

    def look() -> Walk:
        hand_over()
        yield from (("home", get("/")), ("file", get("/file/")), ("status", get(path)))
        yield "calendar", get(f"{path}calendar.ics")

    yield from look()
    yield "withdraw", get(f"{path}withdraw/")
    asked = re.findall(r'name="(answer-[\w-]+)"', client.get(path).content.decode())
    for sent in ({"answer-9-renting": "yes"}, {"answer-0-renting": "maybe"}, {"answer-0-nothing": "yes"}):
        yield "answer", post(f"{path}answers/", sent)
    for word in ("yes", "no", "no"):  # the last changes nothing
        yield "answer", post(f"{path}answers/", dict.fromkeys(asked, word))
        yield from look()
    with acting(HUB):
        wanted = list(Request.objects.filter(relocation=relocation).order_by("pk").values_list("pk", flat=True))
    for pk in (*wanted, relocation.pk):
        yield "consent_link", (made := post(f"{path}consents/{pk}/"))
        link = next(iter(re.findall(r"/consents/[\w-]{43}/", made.content.decode())), "/consents/none/")
        yield from (("consent", get(link)), ("consent", get(link, other)), ("consent", post(link, {"go": "?"}, other)))
        yield "consent_link", (again := post(f"{path}consents/{pk}/"))
        yield "consent", get(link, other)  # renewed
        link = next(iter(re.findall(r"/consents/[\w-]{43}/", again.content.decode())), "/consents/none/")
        yield from (("consent", post(link, {"go": "refuse"}, other)), ("consent", post(link, {"go": "agree"}, other)))
        yield from look()
        yield "home", get("/", other)
        yield "take_out", post(f"{path}consents/{pk}/take-out/")
        yield from look()
        yield from (
            ("take_out", post(f"{path}consents/{pk}/take-out/")),
            ("consent_link", post(f"{path}consents/{pk}/")),
        )
    yield from (("amend", get(f"{path}amend/")), ("amend", post(f"{path}amend/", {"go": "submit"})))
    if point not in DECIDED:
        for changes in CHANGES:
            yield from amended(client, f"{path}amend/", changes)
            yield from look()
    yield from (("withdraw", post(f"{path}withdraw/")), ("withdraw", get(f"{path}withdraw/")))
    yield from look()
    yield "withdraw", post(f"{path}withdraw/")
    yield from (("amend", get(f"{path}amend/")), ("amend", post(f"{path}amend/", {"go": "submit"})))
    yield from (("answer", post(f"{path}answers/", dict.fromkeys(asked, "yes"))), *look())


#: What is changed one after the other: who shows the card, when and what to say; where to; back again.
CHANGES: tuple[tuple[tuple[str, dict[str, str]], ...], ...] = (
    (
        *(("to:person-0", {}), ("to:check", {"presents_card": "on"})),  # who had the card may have been taken out
        *(("to:contact", {}), ("to:check", {"remarks": "訂正します"})),
        *(("to:when", {}), ("to:check", {"living_from": days(9)})),
    ),
    (
        ("to:places", {}),
        ("choose:new", {"new-prefecture": "沖縄県"}),
        ("to:check", {"new-municipality": NAHA, "new-postal_code": "", "new-town": "見本", "new-block": "1"}),
    ),
    (
        ("to:places", {}),
        ("choose:new", {"new-prefecture": "東京都"}),
        ("to:check", {"new-municipality": CHIYODA, "new-postal_code": "", "new-town": "見本", "new-block": "2"}),
    ),
)


def amended(client: Client, path: str, changes: tuple[tuple[str, dict[str, str]], ...]) -> Walk:
    """Change what was filed, page by page."""
    visitor = Visitor(client)
    yield "amend", visitor.open(path) and visitor.answer
    for go, answers in changes:
        yield (
            "amend",
            visitor.press(go, **{name.replace("-", "__"): value for name, value in answers.items()}) and visitor.answer,
        )
    assert "submit" in visitor.page.buttons, visitor.page.text
    yield "amend", visitor.press("submit") and visitor.answer


#: Pages that show nothing of a filing.
APART = {"sign_in", "sign_out", "language"}


def seen(walk: Walk, text: Callable[[Any], str]) -> list[Seen]:
    """What was answered, step by step."""
    return [(name, answer.status_code, text(answer)) for name, answer in walk]


def same(hidden: list[Seen], ordinary: list[Seen]) -> None:
    """No step differs, in status or in a line."""
    assert [one[:2] for one in hidden] == [one[:2] for one in ordinary]
    for step, ((name, _, now), (_, _, before)) in enumerate(zip(hidden, ordinary, strict=True)):
        assert not list(unified_diff(before.splitlines(), now.splitlines(), "ordinary", "hidden", n=0)), (step, name)


def effects(relocation: Relocation) -> tuple[Any, ...]:
    """What the towns and departments see of a filing."""
    with acting(HUB):
        row = Relocation.objects.get(pk=relocation.pk)
        events = Event.objects.filter(relocation=row).exclude(type="consent.link_made").count()
        counts = [
            Delivery.objects.filter(relocation_id=row.pk).count(),
            Task.objects.filter(relocation_id=row.pk).count(),
        ]
        answers = row.consents.exclude(answer="VOID").order_by("pk").values_list("answer", "account")
        return (row.state, row.version, row.agreement, list(answers), events, *counts)


def compare(relocation: Relocation, walk: Callable[[], Walk], text: Callable[[Any], str]) -> set[str]:
    """Walk it as anybody's and as one that is hidden; nothing follows from the second walk, and nothing is lost."""
    with undone():
        ordinary = seen(walk(), text)
    measure = hide(relocation)
    before = effects(relocation)
    hidden = seen(walk(), text)
    same(hidden, ordinary)
    assert effects(relocation) == before
    with acting(HUB):
        sheets = AnswerSheet.objects.filter(relocation_id=relocation.pk).count()
        tasks = Task.objects.filter(relocation_id=relocation.pk).count()
    assert sheets >= 2
    end(measure)
    with acting(HUB):  # what was answered counts from now on
        assert Task.objects.filter(relocation_id=relocation.pk).count() >= tasks
    return {name for name, _, _ in hidden}


@pytest.mark.parametrize("point", POINTS)
def test_no_page_tells_that_a_filing_is_hidden(point: str) -> None:
    user = citizen()
    relocation = services.file(document(point), user.actor)[0]
    bring(relocation, point)
    walked = compare(relocation, lambda: pages(user, relocation, point), text)
    assert {pattern.name for pattern in urls.urlpatterns} - APART - walked == set()


# --- The front -----------------------------------------------------------------------------------------


def doors(partner: Caller, relocation: Relocation, document: Filing) -> Walk:
    """Ask and say everything by the API; by the names of the operations."""
    path = f"relocations/{relocation.pk}"
    since = partner.get("changes").json()["cursor"]
    again = front_document(document)
    there = msgspec.structs.replace(document.new_address, local_government_code=NAHA, full_address="沖縄県那覇市見本1")
    elsewhere = front_document(msgspec.structs.replace(document, new_address=there))
    child = msgspec.structs.replace(document.movers[0], ordinal=3, full_name="見本　一郎", date_of_birth=BORN)
    joined = front_document(msgspec.structs.replace(document, movers=(*document.movers, child)))

    def look() -> Walk:
        hand_over()
        yield "getRelocation", (now := partner.get(path))
        yield "getRelocation", partner.get(path, if_none_match=now["ETag"])
        yield from (("listChanges", partner.get("changes")), ("listChanges", partner.get(f"changes?since={since}")))

    yield from look()
    yield "fileRelocation", partner.post("relocations", document, idempotency_key="1")
    other = msgspec.structs.replace(document, planned_out_on=None)
    yield "fileRelocation", partner.post("relocations", other, idempotency_key="1")
    asked = [
        {"mover": one["mover"], "question": one["question"]}
        for procedure in partner.get(path).json()["procedures"]
        for one in procedure["questions"]
    ]
    for answers in ([{"question": "renting", "answer": "yes", "mover": 9}], [{"question": "no", "answer": "yes"}], []):
        yield "answerQuestions", partner.post(f"{path}/answers", {"answers": answers})
    for word in ("yes", "no", "no"):
        given = [one | {"answer": word} for one in asked]
        yield "answerQuestions", partner.post(f"{path}/answers", {"answers": given})
        yield from look()
    for new in (again, elsewhere, again, joined, {}, front_document(other)):
        yield "amendRelocation", partner.post(f"{path}/amendments", new)
        yield from look()
    yield "withdrawRelocation", partner.post(f"{path}/withdrawal", {})
    yield from look()
    yield "withdrawRelocation", partner.post(f"{path}/withdrawal", {})
    yield "amendRelocation", partner.post(f"{path}/amendments", again)
    yield from look()


#: Headers that differ each time, or with the length of a cursor.
ANEW = ("ETag", "X-Request-Id", "Content-Length", "Vary", "Content-Encoding")


def values(answer: Any) -> str:
    """The body and the headers, without what is made anew each time."""
    body = answer.json() if answer.content else {}
    for name in ("request_id", "cursor"):
        body.pop(name, None)
    for notice in (one for leg in body.get("legs", ()) for one in leg["notices"]):
        notice["due_at"] = None  # the next attempt of what waits
        notice["sent_at"] = bool(notice["sent_at"])
    for task in body.get("procedures", ()) if "changed" in body else ():  # a courier may be as quick as the answer
        task["state"] = task["state"].replace("SENT", "READY")
    for change in body.get("changes", ()):
        change["at"] = None
    headers = {name: text for name, text in answer.headers.items() if name not in ANEW}
    return msgspec.json.format(msgspec.json.encode([headers, body]), indent=1).decode()


@pytest.mark.parametrize("point", POINTS)
def test_no_door_of_a_front_tells_that_a_filing_is_hidden(point: str, towns: None) -> None:
    partner, filed = front(), document(point)
    answer = partner.post("relocations", filed, idempotency_key="1")
    with acting(HUB):
        relocation = Relocation.objects.get(pk=answer.json()["id"])
    bring(relocation, point)
    walked = compare(relocation, lambda: doors(partner, relocation, filed), values)
    mine = {one.id for _, _, view, one in operations() if getattr(view, "required_scope", "") == "relocations:file"}
    assert mine - walked == set()
