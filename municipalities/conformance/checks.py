"""How each check of ``checks.csv`` is made; what it asks and why is written there."""

import base64
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .hub import Fault
from .kit import PAUSE, Failed, Kit
from .notices import NAMES, mover

CHECKS: dict[str, Callable[[Kit], None]] = {}
OVERSIZE = 5_000_000
CANARY = "守秘　花子"
BURST = 40


def check(work: Callable[[Kit], None]) -> Callable[[Kit], None]:
    """Enter a check under its name; what it asks is in the table, not beside it."""
    CHECKS[work.__name__] = work
    return work


# --- Once and whole ----------------------------------------------------------------------------------


@check
def ordinary(kit: Kit) -> None:
    told = kit.notice(personCount=2, movers=[mover(1, "見本　太郎"), mover(2, "試験　花子", sex="2")])
    content = kit.content(told)
    name = kit.offer(told, content)
    kit.expect_received(name)
    kit.expect_effect(name, content)


@check
def duplicate(kit: Kit) -> None:
    told = kit.notice()
    content = kit.content(told)
    name = kit.offer(told, content)
    kit.expect_received(name)
    reports = _reports(kit, told["receiptNo"])
    for _ in range(2):
        _again(kit, name, lambda: kit.offer(told, content))
    time.sleep(PAUSE)
    kit.expect_effect(name, content)
    if len(_reports(kit, told["receiptNo"])) > max(1, len(reports)):
        raise Failed("it was reported twice, under two ids")


def _again(kit: Kit, name: str, offer: Callable[[], object]) -> None:
    """Hand over again, and wait until it was fetched again where that is the way."""
    before = len(kit.hub.requests("content", about=name))
    offer()
    if kit.mode == "pull":
        kit.hub.wait(lambda: len(kit.hub.requests("content", about=name)) > before or name not in kit.hub.ready, 2.0)


def _reports(kit: Kit, receipt_no: str) -> list[str]:
    """Ids of reports about a relocation."""
    with kit.hub.changed:
        return [number for number, body in kit.hub.reports.items() if receipt_no.encode() in body]


@check
def reissue(kit: Kit) -> None:
    told = kit.notice()
    content = kit.content(told)
    name = kit.offer(told, content)
    kit.expect_received(name)
    time.sleep(PAUSE)
    before = len(kit.hub.kinds(name))
    kit.offer(told, content)
    kit.until(lambda: len(kit.hub.kinds(name)) > before, "the re-issue was not acknowledged")


@check
def replay(kit: Kit) -> None:
    told = kit.notice()
    name, content = told["noticeId"], kit.content(told)
    with kit.hub.changed:
        kit.hub.known[name] = content
    headers = kit.headers(name, content)
    for _ in range(3):
        kit.adapter.post(headers, content.body)
    kit.expect_received(name)
    kit.expect_effect(name, content)


@check
def conflict(kit: Kit) -> None:
    told = kit.notice()
    content = kit.content(told)
    name = kit.offer(told, content)
    kit.expect_received(name)
    other = kit.content(told | {"plannedOutOn": "2025-05-05"})
    answer = kit.push(name, other)
    if not answer.refused:
        raise Failed(f"the push was answered with {answer.status or 'nothing'}, not with 4xx")
    kit.expect_effect(name, content)


@check
def truncated(kit: Kit) -> None:
    told = kit.notice()
    name, content = told["noticeId"], kit.content(told)
    if kit.mode == "pull":
        kit.hub.fault(Fault("content", about=name, cut=True))
        kit.offer(told, content)
    else:
        kit.push(name, content, cut=True)
        time.sleep(PAUSE)
        if kit.hub.kinds(name):
            raise Failed("half of it was received")
        kit.expect_no_effect(name)
        kit.offer(told, content)
    kit.expect_received(name)
    kit.expect_effect(name, content)


@check
def digest(kit: Kit) -> None:
    told = kit.notice()
    content = kit.content(told)
    kit.hub.fault(Fault("content", about=told["noticeId"], spoil=True))
    name = kit.offer(told, content)
    kit.expect_received(name)
    kit.expect_effect(name, content)


@check
def pages(kit: Kit) -> None:
    names = [kit.offer(kit.notice()) for _ in range(10)]
    for name in names:
        kit.expect_received(name)


@check
def burst(kit: Kit) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(kit.offer, [kit.notice() for _ in range(BURST)]))
    for name in names:
        kit.expect_received(name, patience=4.0)
        kit.expect_effect(name)


# --- What replaces what --------------------------------------------------------------------------------


@check
def late(kit: Kit) -> None:
    newer = kit.notice("filing.amended", version=2)
    older = kit.notice(version=1, receiptNo=newer["receiptNo"])
    kit.expect_received(kit.offer(newer))
    content = kit.content(older)
    if kit.mode == "pull":
        name = kit.offer(older, content)
        kit.until(lambda: kit.hub.kinds(name), "no receipt came")
    else:
        name = older["noticeId"]
        answer = kit.push(name, content)
        if not (answer.taken or answer.status == 409):
            raise Failed(f"the push was answered with {answer.status or 'nothing'}")
    time.sleep(PAUSE)
    if kit.in_force(name) or not kit.in_force(newer["noticeId"]):
        raise Failed("the older version is in force")


@check
def correction(kit: Kit) -> None:
    older = kit.notice(version=1)
    newer = kit.notice("filing.amended", version=2, receiptNo=older["receiptNo"], plannedOutOn="2025-04-02")
    for told in (older, newer):
        kit.expect_received(kit.offer(told))
    kit.expect_effect(newer["noticeId"])
    if kit.in_force(older["noticeId"]) or not kit.in_force(newer["noticeId"]):
        raise Failed("the newer version did not take the place of the older")


@check
def withdrawal(kit: Kit) -> None:
    told = kit.notice()
    kit.expect_received(kit.offer(told))
    kit.handed_over("withdraw.requested", receiptNo=told["receiptNo"])
    if kit.in_force(told["noticeId"]):
        raise Failed("what was taken back is still in force")


@check
def cancellation(kit: Kit) -> None:
    told = kit.notice("movein.notice")
    kit.expect_received(kit.offer(told))
    kit.handed_over("movein.cancelled", receiptNo=told["receiptNo"])
    if kit.in_force(told["noticeId"]):
        raise Failed("what was cancelled is still in force")


@check
def out_of_order(kit: Kit) -> None:
    later = kit.notice("movein.notice")
    earlier = kit.notice(receiptNo=later["receiptNo"])
    for told in (later, earlier):
        name = kit.offer(told)
        kit.expect_received(name)
        kit.expect_effect(name)


# --- Content ---------------------------------------------------------------------------------------------


@check
def characters(kit: Kit) -> None:
    told = kit.notice(personCount=len(NAMES), movers=[mover(n, name) for n, name in enumerate(NAMES, 1)])
    content = kit.content(told)
    name = kit.offer(told, content)
    kit.expect_received(name)
    kit.expect_effect(name, content)


@check
def protection(kit: Kit) -> None:
    since = time.time()
    secret = [mover(1, CANARY)]
    told = kit.notice("protection.route", movers=secret)
    kit.expect_received(kit.offer(told))
    bad = kit.notice(movers=secret, recipient="999999")
    answer = kit.refuse_in_pull(bad["noticeId"], kit.content(bad))
    if answer is None:
        kit.until(lambda: kit.hub.kinds(bad["noticeId"]), "no receipt came")
    time.sleep(PAUSE)
    with kit.hub.changed:
        said = b"".join(one.body + one.path.encode() for one in kit.hub.asked if one.at >= since)
    said += answer.body if answer else b""
    spellings = (CANARY.encode(), CANARY.encode("cp932"), CANARY.encode("unicode_escape"))
    if any(word in said for word in (*spellings, "守秘".encode(), "守秘".encode("unicode_escape"))):
        raise Failed("the person's name came back")


@check
def wrong_town(kit: Kit) -> None:
    told = kit.notice(recipient="131016" if kit.town != "131016" else "012025")
    name, content = told["noticeId"], kit.content(told)
    kit.expect_refusal(name, kit.refuse_in_pull(name, content))


@check
def charset(kit: Kit) -> None:
    told = kit.notice()
    name, content = told["noticeId"], kit.content(told)
    if content.content_type.startswith("application/json"):
        wrong = replace(content, body=content.body.decode().encode("cp932"))
    else:
        wrong = replace(content, content_type=f"{content.content_type.partition(';')[0]}; charset=utf-16")
    kit.expect_refusal(name, kit.refuse_in_pull(name, wrong))


@check
def unreadable(kit: Kit) -> None:
    told = kit.notice()
    name, content = told["noticeId"], replace(kit.content(told), body=b"\x00\x01 nothing")
    kit.expect_refusal(name, kit.refuse_in_pull(name, content))
    kit.handed_over()


@check
def unknown_type(kit: Kit) -> None:
    told = kit.notice("moveout.invented")
    name, content = told["noticeId"], kit.content(told)
    kit.expect_refusal(name, kit.refuse_in_pull(name, content))


@check
def unknown_code(kit: Kit) -> None:
    told = kit.notice(movers=[mover(1, "見本　太郎", sex="7")])
    name, content = told["noticeId"], kit.content(told)
    kit.expect_refusal(name, kit.refuse_in_pull(name, content))


@check
def oversize(kit: Kit) -> None:
    told = kit.notice()
    name, content = told["noticeId"], kit.content(told)
    large = replace(content, body=content.body + b" " * OVERSIZE)
    answer = kit.refuse_in_pull(name, large)
    if answer is None:
        kit.until(lambda: kit.hub.kinds(name), "no receipt came")
    elif answer.status >= 500:
        raise Failed(f"the push was answered with {answer.status}: it would come again and again")
    kit.handed_over()


# --- Trust -------------------------------------------------------------------------------------------------


@check
def bad_signature(kit: Kit) -> None:
    told = kit.notice()
    kit.expect_nothing(
        told["noticeId"], kit.push(told["noticeId"], kit.content(told), keys=[b"another key of 32 bytes, by far.."])
    )


@check
def unsigned(kit: Kit) -> None:
    told = kit.notice()
    name, content = told["noticeId"], kit.content(told)
    kit.expect_nothing(name, kit.push(name, content, unsigned=True))
    headers = kit.headers(name, content)
    del headers["webhook-signature"]
    kit.expect_nothing(name, kit.adapter.post(headers, content.body))


@check
def tampered(kit: Kit) -> None:
    told = kit.notice()
    content = kit.content(told)
    other = kit.content(told | {"plannedOutOn": "2025-05-05"})
    kit.expect_nothing(told["noticeId"], kit.push(told["noticeId"], content, signed=other.body))


@check
def stale_signature(kit: Kit) -> None:
    for at in (-3600, 3600):
        told = kit.notice()
        kit.expect_nothing(told["noticeId"], kit.push(told["noticeId"], kit.content(told), at=at))


@check
def clock_skew(kit: Kit) -> None:
    for at in (-120, 120):
        told = kit.notice()
        if not kit.push(told["noticeId"], kit.content(told), at=at).taken:
            raise Failed("a push with two minutes of skew was not taken")
        kit.expect_received(told["noticeId"])


@check
def rotation(kit: Kit) -> None:
    told = kit.notice()
    new = base64.b64decode("bmV3IGtleSBvZiB0aGlydHktdHdvIGJ5dGVzIGhlcmU=")
    if not kit.push(told["noticeId"], kit.content(told), keys=[new, kit.keys[0]]).taken:
        raise Failed("a push signed with a new and the present key was not taken")
    kit.expect_received(told["noticeId"])


@check
def secrets(kit: Kit) -> None:
    kit.handed_over()
    with kit.hub.changed:
        words = {kit.hub.secret, *(one.token for one in kit.hub.asked if one.token)}
        paths = [one.path for one in kit.hub.asked]
    if any(word in path for word in words for path in paths):
        raise Failed("a token or the client's secret is in a URL")


# --- When the hub does not answer as it should ----------------------------------------------------------------


@check
def expired_token(kit: Kit) -> None:
    told = kit.notice()
    since = time.time()
    kit.hub.fault(Fault("receipt", about=told["noticeId"], status=401, code="E106"))
    name = kit.offer(told)
    kit.expect_received(name)
    if not kit.hub.requests("token", since):
        raise Failed("no new token was fetched")
    kit.expect_effect(name)


@check
def token_outage(kit: Kit) -> None:
    with kit.hub.changed:
        kit.hub.tokens.clear()
    kit.hub.fault(Fault("token", status=503, times=2))
    name = kit.offer(kit.notice())
    kit.expect_received(name, patience=2.0)


@check
def maintenance(kit: Kit) -> None:
    _waits(kit, 503)


@check
def rate_limit(kit: Kit) -> None:
    _waits(kit, 429)


def _waits(kit: Kit, status: int) -> None:
    """A receipt answered with «later» comes again, and not before."""
    told = kit.notice()
    name = told["noticeId"]
    code = "E220" if status == 429 else "E901"
    kit.hub.fault(Fault("receipt", about=name, status=status, code=code, headers={"Retry-After": "1"}))
    kit.offer(told)
    kit.expect_received(name, patience=2.0)
    first, *others = kit.hub.requests("receipt", about=name)
    early = [one for one in others if one.at - first.at < 0.9]
    if early:
        raise Failed(f"it was asked to wait a second and came again after {early[0].at - first.at:.1f} s")
    kit.expect_effect(name)


@check
def lost_answer(kit: Kit) -> None:
    told = kit.notice()
    name = told["noticeId"]
    kit.hub.fault(Fault("receipt", about=name, silent=True), Fault("report", about=told["receiptNo"], silent=True))
    kit.offer(told)
    kit.until(lambda: len(kit.hub.requests("receipt", about=name)) > 1, "the receipt was not repeated")
    first, second, *_ = kit.hub.requests("receipt", about=name)
    if first.body != second.body:
        raise Failed("the repeated receipt says something else")
    time.sleep(PAUSE)
    if len(_reports(kit, told["receiptNo"])) > 1 or kit.hub.conflicts:
        raise Failed("the repeated report has another id or another content")
    kit.expect_effect(name)


@check
def slow_hub(kit: Kit) -> None:
    told = kit.notice()
    kit.hub.fault(Fault("receipt", about=told["noticeId"], delay=2.0))
    started = time.monotonic()
    name, other = kit.offer(told), kit.offer(kit.notice())
    if kit.mode == "push" and time.monotonic() - started > 1.5:
        raise Failed("a push waited for the hub's answer to a receipt")
    for one in (name, other):
        kit.expect_received(one, patience=2.0)
        kit.expect_effect(one)


@check
def gate(kit: Kit) -> None:
    told = kit.notice()
    kit.hub.fault(Fault("receipt", about=told["noticeId"], status=409, code="E200", times=2))
    kit.expect_received(kit.offer(told), patience=2.0)


@check
def refused(kit: Kit) -> None:
    told = kit.notice()
    name = told["noticeId"]
    kit.hub.fault(Fault("receipt", about=name, status=422, code="E104", times=1000))
    kit.offer(told)
    kit.until(lambda: kit.hub.requests("receipt", about=name), "no receipt came")
    time.sleep(1.0)
    bodies = [one.body for one in kit.hub.requests("receipt", about=name)]
    if max(bodies.count(body) for body in bodies) > 3:
        raise Failed(f"a refused receipt was sent {len(bodies)} times within a second")


@check
def restart(kit: Kit) -> None:
    told = kit.notice()
    name = told["noticeId"]
    kit.hub.fault(Fault("receipt", about=name, status=503, times=1000))
    kit.offer(told)
    if kit.mode == "pull":
        kit.until(lambda: kit.hub.requests("receipt", about=name), "no receipt came")
    kit.adapter.restart()
    kit.hub.forget_faults()
    kit.expect_received(name, patience=3.0)
    kit.expect_effect(name)


@check
def restart_fetching(kit: Kit) -> None:
    told = kit.notice()
    name = told["noticeId"]
    kit.hub.fault(Fault("content", about=name, delay=0.5))
    kit.offer(told)
    kit.until(lambda: any(name in path for path in kit.hub.begun), "it was not fetched")
    kit.adapter.restart()
    kit.expect_received(name, patience=3.0)
    kit.expect_effect(name)


# --- Over all that was said -----------------------------------------------------------------------------------


@check
def order(kit: Kit) -> None:
    names = [kit.handed_over() for _ in range(3)]
    time.sleep(PAUSE)
    if any(kit.hub.kinds(name)[0] != "received" for name in names):
        raise Failed("another answer came before the receipt")


@check
def well_formed(kit: Kit) -> None:
    kit.handed_over()
    time.sleep(PAUSE)
    with kit.hub.changed:
        wrong = list(kit.hub.malformed)
    if wrong:
        raise Failed(f"{len(wrong)} answers had another form, first {wrong[0]}")
