"""Checks of what is handed over: once and whole, what replaces what, and what must be refused."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .hub import Fault
from .kit import PAUSE, Failed, Kit, Skipped, Table
from .notices import NAMES, mover

CHECKS = Table()
check = CHECKS.enter
OVERSIZE = 5_000_000
CANARY = "守秘　花子"
BURST = 40


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
    reports = kit.reports(told["receiptNo"])
    for _ in range(2):
        _again(kit, name, lambda: kit.offer(told, content))
    time.sleep(PAUSE)
    kit.expect_effect(name, content)
    if len(kit.reports(told["receiptNo"])) > max(1, len(reports)):
        raise Failed("it was reported twice, under two ids")


def _again(kit: Kit, name: str, offer: Callable[[], object]) -> None:
    """Hand over again, and wait until it was fetched again where that is the way."""
    before = len(kit.hub.requests("content", about=name))
    offer()
    if kit.mode == "files":
        kit.until_put_away(name)
    if kit.mode == "pull":
        kit.hub.wait(lambda: len(kit.hub.requests("content", about=name)) > before or name not in kit.hub.ready, 2.0)


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
    name, content = kit.written()
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
    if kit.mode != "push":
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


def _fits(kit: Kit, name: str) -> bool:
    """Whether the layout can write a name."""
    try:
        kit.content(kit.notice(movers=[mover(1, name)]))
    except Skipped:
        return False
    return True


@check
def characters(kit: Kit) -> None:
    names = [name for name in NAMES if _fits(kit, name)]
    if not names:
        raise Skipped("the layout's characters hold none of these names")
    told = kit.notice(personCount=len(names), movers=[mover(n, name) for n, name in enumerate(names, 1)])
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
        named = "".join(one.path for one in kit.hub.asked if one.at >= since)
    said += answer.body if answer else b""
    spellings = (CANARY.encode(), CANARY.encode("cp932"), CANARY.encode("unicode_escape"))
    if any(word in said for word in (*spellings, "守秘".encode(), "守秘".encode("unicode_escape"))):
        raise Failed("the person's name came back")
    if "protection" in named.lower() or "支援措置" in named:
        raise Failed("the name of an answer's file says how the person is handled")


@check
def wrong_town(kit: Kit) -> None:
    name, content = kit.written(recipient="131016" if kit.town != "131016" else "012025")
    kit.expect_refusal(name, kit.refuse_in_pull(name, content))


@check
def charset(kit: Kit) -> None:
    name, content = kit.written()
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
    name, content = kit.written("moveout.invented")
    kit.expect_refusal(name, kit.refuse_in_pull(name, content))


@check
def unknown_code(kit: Kit) -> None:
    name, content = kit.written(movers=[mover(1, "見本　太郎", sex="7")])
    kit.expect_refusal(name, kit.refuse_in_pull(name, content))


@check
def oversize(kit: Kit) -> None:
    name, content = kit.written()
    large = replace(content, body=content.body + b" " * OVERSIZE)
    answer = kit.refuse_in_pull(name, large)
    if answer is None:
        kit.until(lambda: kit.hub.kinds(name), "no receipt came")
    elif answer.status >= 500:
        raise Failed(f"the push was answered with {answer.status}: it would come again and again")
    kit.handed_over()
