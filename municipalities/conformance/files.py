"""Checks of a town that exchanges files: what is whole, what is not, and what becomes of it."""

import time

from .kit import PAUSE, Failed, Kit, Table
from .lines import leave_alone
from .trays import MANIFEST

CHECKS = Table()
check = CHECKS.enter
#: Seconds in which an adapter that looks often would have taken what it should not.
WHILE = 3 * PAUSE


@check
def half_written(kit: Kit) -> None:
    name, content = kit.written()
    kit.known(name, content)
    file = kit.tray.file(name, content)
    (kit.tray.folder / file).write_bytes(content.body[: len(content.body) // 2])
    (kit.tray.folder / f".{file}.part").write_bytes(content.body)
    time.sleep(WHILE)
    _untouched(kit, name, "a file without a manifest was taken")
    (kit.tray.folder / f".{file}.part").replace(kit.tray.folder / file)
    time.sleep(PAUSE)
    kit.tray.write(name + MANIFEST, kit.tray.manifest(name, content))
    kit.expect_received(name)
    kit.expect_effect(name, content)


@check
def manifest_first(kit: Kit) -> None:
    name, content = kit.written()
    kit.known(name, content)
    kit.tray.write(name + MANIFEST, kit.tray.manifest(name, content))
    time.sleep(WHILE)
    _untouched(kit, name, "a manifest without its file was answered")
    kit.tray.write(kit.tray.file(name, content), content.body)
    kit.expect_received(name)
    kit.expect_effect(name, content)


def _untouched(kit: Kit, name: str, otherwise: str) -> None:
    if kit.hub.kinds(name):
        raise Failed(otherwise)
    kit.expect_no_effect(name)


@check
def wrong_hash(kit: Kit) -> None:
    name, content = kit.written()
    kit.known(name, content)
    spoilt = content.body.replace(b"2025-04", b"2025-05", 1)  # still to be read, if nobody looks
    kit.tray.write(kit.tray.file(name, content), spoilt if spoilt != content.body else content.body + b"\n")
    kit.tray.write(name + MANIFEST, kit.tray.manifest(name, content))
    kit.until(lambda: kit.asked_again(name) or kit.hub.kinds(name), "nobody was told that it came spoilt")
    if "rejected" not in kit.hub.kinds(name) and kit.hub.kinds(name):
        raise Failed("it was received although its hash is another")
    kit.expect_no_effect(name)
    kit.until_put_away(name)
    kit.tray.lay(name, content)
    if not kit.hub.kinds(name):
        kit.expect_received(name)
        kit.expect_effect(name, content)


@check
def put_away(kit: Kit) -> None:
    names = [kit.handed_over() for _ in range(3)]
    for name in names:
        kit.until_put_away(name)
    (kit.tray.folder / "readme.txt").write_text("not a notice", encoding="utf-8")
    kit.handed_over()
    (kit.tray.folder / "readme.txt").unlink(missing_ok=True)


@check
def refused_file(kit: Kit) -> None:
    leave_alone(kit, "an answer that lies in «bad» was laid down")


@check
def restart_tray(kit: Kit) -> None:
    kit.adapter.kill()
    told = kit.notice()
    content = kit.content(told)
    name = kit.offer(told, content)
    kit.adapter.restart()
    kit.expect_received(name, patience=3.0)
    kit.adapter.restart()
    kit.offer(told, content)
    kit.until_put_away(name)
    kit.expect_effect(name, content)
