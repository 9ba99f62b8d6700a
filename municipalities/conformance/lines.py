"""Checks of the line: who is believed, and what is done when the hub does not answer as it should."""

import base64
import json
import time

from .hub import Content, Fault
from .kit import PAUSE, Failed, Kit, Table
from .notices import JSON, new_id

#: The only refusal after which the hub sends the same again: with another signature.
UNPROVEN = 401
CHECKS = Table()
check = CHECKS.enter


# --- Trust -------------------------------------------------------------------------------------------------


@check
def bad_signature(kit: Kit) -> None:
    told = kit.notice()
    kit.expect_nothing(
        told["noticeId"], kit.push(told["noticeId"], kit.content(told), keys=[b"another key of 32 bytes, by far.."])
    )


@check
def unsigned(kit: Kit) -> None:
    name, content = kit.written()
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
        name, content = told["noticeId"], kit.content(told)
        answer = kit.push(name, content, at=at)
        kit.expect_nothing(name, answer)
        if answer.status != UNPROVEN:
            raise Failed(f"it was answered with {answer.status}, not with 401: the hub would not sign it anew")
        kit.expect_received(kit.offer(told, content))
        kit.expect_effect(name, content)


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
def challenge(kit: Kit) -> None:
    word = {"challenge": new_id()}
    content = Content("endpoint.challenge", JSON, json.dumps(word).encode())
    strange = kit.push(new_id(), content, keys=[b"another key of 32 bytes, by far.."])
    if not strange.refused or word["challenge"].encode() in strange.body:
        raise Failed("a challenge with a wrong signature was answered")
    name = new_id()
    answer = kit.push(name, content)
    try:
        repeated = json.loads(answer.body)
    except ValueError:
        repeated = None
    if not answer.taken or repeated != word:
        raise Failed(f"its word was not repeated (status {answer.status})")
    time.sleep(PAUSE)
    if kit.hub.requests("receipt", about=name):
        raise Failed("it was answered like a notice")


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
    if len(kit.reports(told["receiptNo"])) > 1 or kit.hub.conflicts:
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
    leave_alone(kit, "a refused receipt was sent")


def leave_alone(kit: Kit, otherwise: str) -> None:
    """Refuse a receipt for good; one that comes again and again fails."""
    told = kit.notice()
    name = told["noticeId"]
    kit.hub.fault(Fault("receipt", about=name, status=422, code="E104", times=1000))
    kit.offer(told)
    kit.until(lambda: kit.hub.requests("receipt", about=name), "no receipt came")
    time.sleep(1.0)
    bodies = [one.body for one in kit.hub.requests("receipt", about=name)]
    if max(bodies.count(body) for body in bodies) > 3:
        raise Failed(f"{otherwise} {len(bodies)} times within a second")


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
