"""Towns that exchange files: parcels whole or not at all, answers read when they are whole; over a real SFTP server too."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from municipalities.errors import RefusedError, TemporaryError
from municipalities.transports import Line, Sent, answers, find, open_session, send, sftp
from municipalities.transports.files import Share
from tests.municipalities.shares import SEED, Server, serving
from tests.municipalities.test_transports import PARCEL

T = TypeVar("T")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "root") as one:
        (one.root / "town").mkdir()
        yield one


def run(server: Server, work: Callable[[Line], Awaitable[T]], seed: bytes = SEED) -> T:
    async def inside() -> T:
        async with open_session() as session:
            return await work(Line(session, seed, server.root, timeout=5))

    return asyncio.run(asyncio.wait_for(inside(), 30))


def deliver(server: Server, address: str = "", parcel: Any = PARCEL, seed: bytes = SEED) -> Sent:
    return run(server, lambda line: send(address or server.address(), parcel, line), seed)


def there(server: Server) -> list[str]:
    return sorted(path.name for path in (server.root / "town").iterdir() if path.is_file())


@pytest.mark.parametrize("posix", [True, False])
def test_a_server_gets_the_file_then_its_manifest_and_the_same_again_is_a_success(server: Server, posix: bool) -> None:
    server.posix = posix
    for _ in range(2):
        assert deliver(server) == Sent("sent", f"{PARCEL.name}.csv")
    assert there(server) == [f"{PARCEL.name}.csv", f"{PARCEL.name}.manifest.json"]
    told = json.loads((server.root / "town" / f"{PARCEL.name}.manifest.json").read_bytes())
    assert (told["size"], told["sha256"]) == (len(PARCEL.content), hashlib.sha256(PARCEL.content).hexdigest())
    with pytest.raises(RefusedError) as caught:
        deliver(server, parcel=replace(PARCEL, content=b"other"))
    assert caught.value.code == "E202"
    assert (server.root / "town" / f"{PARCEL.name}.csv").read_bytes() == PARCEL.content


def test_many_parcels_share_one_connection_and_all_arrive_whole(server: Server) -> None:
    parcels = [replace(PARCEL, name=f"p{number}", content=bytes([number]) * 50_000) for number in range(30)]

    async def all_of_them(line: Line) -> int:
        await asyncio.gather(*(send(server.address(), parcel, line) for parcel in parcels))
        return len(sftp._connections[line.session])

    assert run(server, all_of_them) == 1
    for parcel in parcels:
        assert (server.root / "town" / f"{parcel.name}.csv").read_bytes() == parcel.content
    assert not [name for name in there(server) if name.endswith(".part")]


def test_another_host_key_gets_nothing_not_even_a_sign_in(server: Server) -> None:
    wrong = server.address(fingerprint="SHA256:" + "A" * 43)
    with pytest.raises(TemporaryError, match="not the pinned one"):
        deliver(server, wrong)
    assert there(server) == []


@pytest.mark.parametrize(("user", "seed"), [("hub", b"another seed of thirty-two byte."), ("other", SEED)])
def test_who_is_not_let_in_tries_again_later(server: Server, user: str, seed: bytes) -> None:
    with pytest.raises(TemporaryError, match="PermissionDenied"):
        deliver(server, server.address(user=user), seed=seed)


def test_a_full_disk_a_missing_folder_and_a_broken_line_are_temporary_and_mended_by_sending_again(
    server: Server,
) -> None:
    with pytest.raises(TemporaryError, match="ENOENT"):
        deliver(server, server.address("elsewhere"))
    assert not (server.root / "elsewhere").exists()
    server.full = True
    with pytest.raises(TemporaryError):
        deliver(server)
    assert there(server) == []
    server.full, server.breaks_off = False, True
    with pytest.raises(TemporaryError):
        deliver(server)
    assert not [name for name in there(server) if not name.startswith(".")]
    server.breaks_off = False
    assert deliver(server).state == "sent"


def test_a_line_that_broke_is_opened_again(server: Server) -> None:
    async def twice(line: Line) -> None:
        await send(server.address(), PARCEL, line)
        (task,) = sftp._connections[line.session].values()
        connection, _ = await task
        connection.abort()
        await connection.wait_closed()
        await send(server.address(), replace(PARCEL, name="again"), line)

    run(server, twice)
    assert "again.manifest.json" in there(server)


@pytest.mark.parametrize(
    "address",
    [
        "sftp://127.0.0.1/town?hostkey=SHA256:" + "A" * 43,
        "sftp://hub:secret@127.0.0.1/town?hostkey=SHA256:" + "A" * 43,
        "sftp://hub@127.0.0.1/town",
        "sftp://hub@127.0.0.1/town?hostkey=MD5:00",
        "sftp://hub@127.0.0.1/../etc?hostkey=SHA256:" + "A" * 43,
        "sftp://hub@127.0.0.1/?hostkey=SHA256:" + "A" * 43,
        "sftp://hub@127.0.0.1:99999/town?hostkey=SHA256:" + "A" * 43,
    ],
)
def test_an_sftp_address_that_could_never_work_or_pins_no_key_is_refused(address: str) -> None:
    with pytest.raises(RefusedError):
        find(address)


# --- Answers -----------------------------------------------------------------------------------------


def lay(folder: Path, name: str, content: bytes, **slip: Any) -> None:
    """Lay an answer down with its manifest."""
    (folder / name).write_bytes(content)
    told = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} | slip
    (folder / f"{name}.manifest.json").write_text(json.dumps(told))


@pytest.mark.parametrize("way", ["folder", "sftp"])
def test_only_what_is_whole_is_read_and_each_file_goes_where_it_belongs(server: Server, way: str) -> None:
    address = "folder:town" if way == "folder" else server.address()
    tray = server.root / "town" / "answers"

    async def opened(line: Line) -> Share:
        return await answers.open_share(address, line)

    async def look(line: Line) -> list[answers.Found]:
        return await answers.look(await opened(line), 0.2)

    assert run(server, look) == []  # the town has no tray yet
    tray.mkdir()
    lay(tray, "a.csv", b"whole", delivery="x")
    lay(tray, "b.csv", b"whole before")
    (tray / "b.csv").write_bytes(b"spoilt")
    (tray / "c.csv").write_bytes(b"still")
    (tray / "d.csv").write_bytes(b"marked")
    (tray / "d.csv.done").touch()
    (tray / "e.csv.part").write_bytes(b"half")
    (tray / ".f.csv").write_bytes(b"hidden")
    (tray / "g.csv.manifest.json").write_text("{}")  # without its file
    (tray / "folder").mkdir()

    async def while_somebody_writes(line: Line) -> list[answers.Found]:
        found = asyncio.create_task(look(line))
        await asyncio.sleep(0.1)
        (tray / "c.csv").write_bytes(b"still growing")
        return await found

    found = run(server, while_somebody_writes)
    assert [(one.name, one.spoilt) for one in found] == [
        ("a.csv", ""),
        ("b.csv", "E100"),
        ("d.csv", ""),
        ("g.csv", "E100"),
    ]
    assert found[0].slip is not None
    assert (found[0].content, found[0].slip.delivery) == (b"whole", "x")

    async def put_away(line: Line) -> None:
        share = await opened(line)
        for one in found:
            await answers.put_away(share, one, {"problems": [{"code": one.spoilt}]} if one.spoilt else None)

    run(server, put_away)
    assert sorted(path.name for path in tray.iterdir() if path.is_file()) == [".f.csv", "c.csv", "e.csv.part"]
    assert sorted(path.name for path in (tray / "done").iterdir()) == [
        "a.csv", "a.csv.manifest.json", "d.csv", "d.csv.done",
    ]  # fmt: skip
    assert sorted(path.name for path in (tray / "bad").iterdir()) == [
        "b.csv", "b.csv.error.json", "b.csv.manifest.json", "g.csv.error.json", "g.csv.manifest.json",
    ]  # fmt: skip
    lay(tray, "a.csv", b"another under the same name")
    found = run(server, look)
    assert [one.name for one in found] == ["a.csv", "c.csv"]
    run(server, put_away)
    assert (tray / "done" / "a.csv").read_bytes() == b"whole"  # nothing that came is overwritten
    assert len(list((tray / "done").glob("*.a.csv"))) == 1
    shutil.rmtree(tray)
    assert run(server, look) == []
