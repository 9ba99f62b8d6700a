"""Each transport hands over the bytes it was given, says what happened, and never doubles or half-writes."""

import asyncio
import errno
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDictProxy

from municipalities.errors import DeliveryError, RefusedError, TemporaryError, UnprovenError
from municipalities.transports import Line, Parcel, Sent, find, https, memory, open_session, send, signing

KEY, OLD_KEY, OTHER_KEY = b"k" * 32, b"o" * 32, b"x" * 32
PARCEL = Parcel(
    name="0195e5a0-0000-7000-8000-000000000001",
    type="moveout.submitted",
    content="見本 太郎\r\n".encode("cp932"),
    content_type="text/csv; charset=shift_jis",
    extension="csv",
    records=1,
)


@dataclass
class Town:
    """A real HTTP server on loopback that answers as told and keeps what it got."""

    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    got: list[tuple[str, CIMultiDictProxy[str], bytes]] = field(default_factory=list)
    address: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.got.append((request.path, request.headers, await request.read()))
        if self.status == 0:
            assert request.transport is not None
            request.transport.abort()
        if self.status < 0:
            await asyncio.sleep(-self.status)
        return web.Response(status=max(self.status, 200), headers=self.headers, body=self.body)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Line]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.address = f"http://127.0.0.1:{runner.addresses[0][1]}/towns/011011/inbox"
            async with open_session() as session:
                yield Line(session=session, signing_key=KEY, timeout=0.5)
        finally:
            await runner.cleanup()


def push(town: Town, parcel: Parcel = PARCEL, *keys: bytes) -> Sent:
    async def run() -> Sent:
        async with town.listening() as line:
            return await send(town.address, parcel, replace(line, previous_keys=keys))

    return asyncio.run(run())


def locally(address: str, parcel: Parcel = PARCEL, root: Path | None = None) -> Sent:
    """Send without a network."""

    async def run() -> Sent:
        async with open_session() as session:
            return await send(address, parcel, Line(session=session, folder_root=root))

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _empty_outboxes() -> Iterator[None]:
    memory.clear()
    yield
    memory.clear()


def test_a_push_carries_the_bytes_and_a_signature_every_current_key_verifies() -> None:
    town = Town(headers={"Location": "/inbox/1"})
    assert push(town, PARCEL, OLD_KEY) == Sent("sent", "/inbox/1")
    [(path, headers, body)] = town.got
    assert (path, body) == ("/towns/011011/inbox", PARCEL.content)
    assert headers["Content-Type"] == PARCEL.content_type
    assert headers["hikkoshi-notice-type"] == PARCEL.type
    for key in (KEY, OLD_KEY):
        assert signing.verify([OTHER_KEY, key], headers, body, time.time()) == PARCEL.name
    with pytest.raises(RefusedError):
        signing.verify([OTHER_KEY], headers, body, time.time())


def test_an_address_proves_itself_by_the_word_of_a_signed_challenge() -> None:
    async def ask(town: Town) -> str:
        async with town.listening() as line:
            try:
                await https.prove(town.address, line)
            except DeliveryError as error:
                return error.code
            return "proven"

    class Echo(Town):
        async def answer(self, request: web.Request) -> web.StreamResponse:
            body = await request.read()
            signing.verify([KEY], request.headers, body, time.time())
            self.got.append((request.path, request.headers, body))
            return web.Response(body=body)

    echo = Echo()
    assert asyncio.run(ask(echo)) == "proven"
    [(_, headers, body)] = echo.got
    assert headers["hikkoshi-notice-type"] == https.CHALLENGE
    for town, code in (
        (Town(status=202), "E117"),
        (Town(status=200, body=b'{"challenge": ""}'), "E117"),
        (Town(status=200, body=body), "E117"),  # yesterday's word
        (Town(status=302, headers={"Location": "/elsewhere"}), "E100"),
        (Town(status=404), "E100"),
        (Town(status=503), "E900"),
        (Town(status=0), "E900"),
    ):
        assert asyncio.run(ask(town)) == code, town.status


@given(
    body=st.binary(max_size=200),
    change=st.sampled_from(["body", "id", "time", "signature", "late", "early"]),
    ask=st.integers(0, 2**32),
)
def test_a_signature_covers_id_time_and_body_and_is_short_lived(body: bytes, change: str, ask: int) -> None:
    headers = {
        signing.ID: "a-1",
        signing.TIMESTAMP: str(ask),
        signing.SIGNATURE: signing.sign([KEY], "a-1", ask, body),
    }
    assert signing.verify([KEY], headers, body, ask + signing.TOLERANCE) == "a-1"
    now = ask + {"late": signing.TOLERANCE + 1, "early": -signing.TOLERANCE - 1}.get(change, 0)
    names = {"id": signing.ID, "time": signing.TIMESTAMP, "signature": signing.SIGNATURE}
    if change in names:
        headers[names[change]] += "1"
    with pytest.raises(RefusedError):
        signing.verify([KEY], headers, body + b"!" if change == "body" else body, now)


@given(headers=st.dictionaries(st.sampled_from([signing.ID, signing.TIMESTAMP, signing.SIGNATURE]), st.text()))
def test_no_header_garbage_breaks_the_verification(headers: dict[str, str]) -> None:
    with pytest.raises(RefusedError):
        signing.verify([KEY], headers, b"", 0)


def test_a_missing_or_short_key_signs_nothing() -> None:
    with pytest.raises(RefusedError):
        push(Town(), PARCEL, b"short")


@pytest.mark.parametrize("status", [200, 202, 204, 409])
def test_an_acceptance_and_a_duplicate_are_successes(status: int) -> None:
    assert push(Town(status=status)).state == "sent"


@pytest.mark.parametrize("code", ["E200", "E210"])
def test_a_conflict_that_passes_by_itself_is_not_taken_for_a_duplicate(code: str) -> None:
    town = Town(status=409, body=json.dumps({"code": code}).encode())
    with pytest.raises(TemporaryError):
        push(town)


@pytest.mark.parametrize("status", [408, 423, 425, 429, 500, 502, 503, 504])
def test_a_busy_town_is_temporary_and_its_wish_to_wait_is_kept(status: int) -> None:
    with pytest.raises(TemporaryError) as caught:
        push(Town(status=status, headers={"Retry-After": "17"}))
    assert (caught.value.detail, caught.value.retry_after) == (f"HTTP {status}", 17.0)


@pytest.mark.parametrize(
    ("body", "code"), [(b'{"code": "E114"}', "E114"), (b'{"code": "E106"}', "E106"), (b"", "E114")]
)
def test_a_signature_that_is_not_believed_is_worth_another(body: bytes, code: str) -> None:
    with pytest.raises(UnprovenError) as caught:
        push(Town(status=401, headers={"Retry-After": "17"}, body=body))
    assert (caught.value.code, caught.value.retry_after) == (code, 17.0)


@pytest.mark.parametrize("status", [301, 307, 400, 404, 413, 422])
def test_a_refusal_is_final_keeps_the_code_and_no_words(status: int) -> None:
    body = json.dumps({"code": "E111", "detail": "見本 太郎"}).encode()
    town = Town(status=status, headers={"Location": "/elsewhere"}, body=body)
    with pytest.raises(RefusedError) as caught:
        push(town)
    assert (caught.value.detail, caught.value.code) == (f"HTTP {status}", "E111")
    assert len(town.got) == 1  # a redirect is never followed


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"code": "<script>"}', b'{"code": 1}'])
def test_garbage_in_an_answer_changes_nothing(body: bytes) -> None:
    assert push(Town(body=body)).state == "sent"
    assert push(Town(headers={"Content-Encoding": "gzip"}, body=body)).state == "sent"
    with pytest.raises(RefusedError) as caught:
        push(Town(status=400, body=body))
    assert caught.value.code == "E100"


@pytest.mark.parametrize("status", [0, -1])
def test_a_broken_or_hanging_connection_is_temporary_and_names_no_one(status: int) -> None:
    with pytest.raises(TemporaryError) as caught:
        push(Town(status=status))
    assert caught.value.detail in {
        "ServerDisconnectedError",
        "ClientOSError",
        "TimeoutError",
        "SocketTimeoutError",
    }


def test_a_refused_connection_is_temporary() -> None:
    async def run() -> None:
        async with open_session() as session:
            await send("http://127.0.0.1:1/inbox", PARCEL, Line(session=session, signing_key=KEY))

    with pytest.raises(TemporaryError, match="ClientConnectorError"):
        asyncio.run(run())


@pytest.mark.parametrize(
    "address",
    [
        "http://example.jp/inbox",
        "http://127.0.0.1.example.jp/inbox",
        "http://0.0.0.0/inbox",
        "https://user:word@example.jp/inbox",
        "https:///inbox",
        "https://example.jp:99999/inbox",
        "http://[::1/inbox",
        "ftp://example.jp/inbox",
        "",
        "pull:elsewhere",
        "pull:?ring=http://example.jp/ring",
        "pull:?bell=https://example.jp/ring",
        "folder:../011011",
        "folder:towns/../../011011",
        "folder:/etc",
        "folder://host/towns",
        "folder:towns//011011",
        "folder:.hidden",
        "folder:towns\\011011",
        "folder:",
        "memory:",
    ],
)
def test_an_address_that_could_never_work_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(RefusedError):
        find(address)


def test_pull_makes_ready_and_rings_with_the_id_alone() -> None:
    town = Town()

    async def run(status: int) -> Sent:
        town.status = status
        async with town.listening() as line:
            assert await send("pull:", PARCEL, line) == Sent("ready")
            return await send(f"pull:?ring={town.address}", PARCEL, line)

    for status in (202, 500, 302, 0, -1):
        assert asyncio.run(run(status)) == Sent("ready")
    assert len(town.got) >= 5
    for _, headers, body in town.got:
        assert (headers["webhook-id"], body) == (PARCEL.name, b"")
        assert not {name.lower() for name in headers} & {"hikkoshi-notice-type", "webhook-signature"}


def test_a_folder_gets_the_file_then_its_manifest_and_the_same_again_is_a_success(tmp_path: Path) -> None:
    town = tmp_path / "towns" / "011011"
    town.mkdir(parents=True)
    for _ in range(2):
        assert locally("folder:towns/011011", root=tmp_path) == Sent("sent", f"{PARCEL.name}.csv")
    assert sorted(path.name for path in town.iterdir()) == [
        f"{PARCEL.name}.csv",
        f"{PARCEL.name}.manifest.json",
    ]
    assert (town / f"{PARCEL.name}.csv").read_bytes() == PARCEL.content
    assert json.loads((town / f"{PARCEL.name}.manifest.json").read_bytes()) == {
        "name": PARCEL.name,
        "file": f"{PARCEL.name}.csv",
        "type": PARCEL.type,
        "contentType": PARCEL.content_type,
        "records": 1,
        "size": len(PARCEL.content),
        "sha256": hashlib.sha256(PARCEL.content).hexdigest(),
    }
    with pytest.raises(RefusedError):
        locally("folder:towns/011011", replace(PARCEL, content=b"other"), tmp_path)
    assert (town / f"{PARCEL.name}.csv").read_bytes() == PARCEL.content


def test_a_crash_between_file_and_manifest_is_mended_by_sending_again(tmp_path: Path) -> None:
    (tmp_path / "town").mkdir()
    (tmp_path / "town" / f"{PARCEL.name}.csv").write_bytes(PARCEL.content)
    locally("folder:town", root=tmp_path)
    assert (tmp_path / "town" / f"{PARCEL.name}.manifest.json").exists()


def test_a_share_that_is_not_mounted_is_temporary_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    with pytest.raises(TemporaryError, match="ENOENT"):
        locally("folder:towns/011011", root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_full_disk_is_temporary_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    (tmp_path / "town").mkdir()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TemporaryError, match=errno.errorcode[number]):
        locally("folder:town", root=tmp_path)
    assert list((tmp_path / "town").iterdir()) == []


def test_no_parcel_and_no_link_leaves_the_folder_root(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "town").mkdir(parents=True)
    outside.mkdir()
    (root / "link").symlink_to(outside)
    with pytest.raises(RefusedError):
        locally("folder:link", root=root)
    for name, extension in (
        ("../../outside/a", "csv"),
        ("a", "/../../b"),
        ("a", "manifest.json"),
        ("", "csv"),
    ):
        with pytest.raises(RefusedError):
            locally("folder:town", replace(PARCEL, name=name, extension=extension), root)
    assert list(outside.iterdir()) == list((root / "town").iterdir()) == []


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """While parcels arrive, whatever a manifest names is whole."""
    (tmp_path / "town").mkdir()
    parcels = [replace(PARCEL, name=f"p{number}", content=os.urandom(100_000)) for number in range(20)]

    async def read(seen: set[str]) -> None:
        while len(seen) < len(parcels):
            for manifest in (tmp_path / "town").glob("*.manifest.json"):
                told = json.loads(manifest.read_bytes())
                content = (tmp_path / "town" / told["file"]).read_bytes()
                assert hashlib.sha256(content).hexdigest() == told["sha256"]
                seen.add(told["name"])
            await asyncio.sleep(0)

    async def run() -> None:
        async with open_session() as session:
            line = Line(session=session, folder_root=tmp_path)
            work: list[Awaitable[object]] = [send("folder:town", parcel, line) for parcel in parcels]
            await asyncio.gather(read(set()), *work)

    asyncio.run(asyncio.wait_for(run(), 20))


def test_memory_keeps_what_was_sent_once() -> None:
    for _ in range(2):
        locally("memory:town")
    assert memory.outbox("town") == (PARCEL,)
    with pytest.raises(RefusedError):
        locally("memory:town", replace(PARCEL, content=b"other"))
    assert memory.outbox("elsewhere") == ()
