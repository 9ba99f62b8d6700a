"""Simulated towns answer like careful clerks or misbehave; killed, they lose and double nothing."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from municipalities import standard
from municipalities.errors import RefusedError, UnprovenError
from municipalities.notice import Flow, Mover, Notice, Role
from municipalities.simulator import clerk, sftp
from municipalities.simulator.town import Town
from municipalities.transports import Line, Parcel, send
from tests.municipalities.stub_hub import Hub, Move

WAYS = ("push", "pull", "folder", "sftp")
MOVERS = (
    Mover(ordinal=1, full_name="見本　太郎", full_name_kana="ミホン　タロウ", presents_card=True),
    Mover(ordinal=2, full_name="試験　花子", full_name_kana="シケン　ハナコ"),
)


def towns_on(port: int, folder: Path) -> list[Town]:
    """One town for each standard and each way notices come."""
    found = []
    fingerprint = sftp.host_key(folder / "books").get_fingerprint()
    for number, name in enumerate(standard.names()):
        for place, way in enumerate(WAYS):
            code = f"{number:02}{place:04}"
            base = f"http://127.0.0.1:{port}/towns/{code}"
            address = {
                "push": f"{base}/inbox",
                "pull": f"pull:?ring={base}/ring",
                "folder": f"folder:towns/{code}",
                "sftp": f"sftp://{code}@127.0.0.1:{port + 1}/inbox?hostkey={quote(fingerprint)}",
            }
            found.append(
                Town(
                    code=code,
                    standard=name,
                    address=address[way],
                    client_id=f"town-{code}",
                    client_secret=f"secret of {code}",
                    signing_key=(code.encode() * 6)[:32],
                )
            )
    return found


def moves(towns: list[Town], count: int) -> list[Move]:
    """Relocations between all the towns, by card and on paper, with dates before and after today."""
    return [
        Move(
            receipt_no=f"00-TEST-{number:04}-0",
            towns={
                Role.ORIGIN: towns[number % len(towns)],
                Role.DESTINATION: towns[(number * 5 + 1) % len(towns)],
                Role.DOMICILE: towns[(number * 7 + 2) % len(towns)],
            },
            flow=(Flow.CARD_SPECIAL, Flow.PAPER_CERT)[number % 2],
            living_from=clerk.today() + timedelta(days=number % 21 - 10),
            movers=MOVERS[: 1 + number % 2],
        )
        for number in range(count)
    ]


class Process:
    """The simulator as it is run: its own process, which can be killed."""

    def __init__(self, folder: Path, port: int, hub: Hub) -> None:
        self.folder, self.port, self.hub = folder, port, hub
        self.said: list[str] = []

    def start(self, *options: str) -> None:
        towns = self.folder / "towns.jsonl"
        towns.write_bytes(b"".join(msgspec.json.encode(town) + b"\n" for town in self.hub.towns.values()))
        command = [sys.executable, "-m", "municipalities.simulator", "--towns", str(towns)]
        command += ["--hub", self.hub.address, "--port", str(self.port), "--speed", "10"]
        command += ["--sftp-port", str(self.port + 1)]
        command += ["--data", str(self.folder / "books"), "--folder-root", str(self.folder), *options]
        self.running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.running.stdout is not None
        line = self.running.stdout.readline()
        assert line.startswith("listening on"), line + self.running.stdout.read()

    def end(self, number: signal.Signals) -> int:
        self.running.send_signal(number)
        self.said.append(self.running.communicate(timeout=20)[0])
        return self.running.returncode

    async def ask(self, path: str, order: dict[str, Any] | None = None) -> Any:
        address = f"http://127.0.0.1:{self.port}{path}"
        async with self.hub.session.request("POST" if order else "GET", address, json=order) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


@asynccontextmanager
async def country(
    folder: Path, port: int, *options: str, bad_luck: float = 0.0, ways: tuple[str, ...] = WAYS, most: int = 1000
) -> AsyncIterator[Process]:
    """A hub and its towns, or the first so many of those told in these ways."""
    towns = [town for town in towns_on(port, folder) if town.way in ways][:most]
    async with Hub(towns, folder, bad_luck).listening() as hub:
        process = Process(folder, port, hub)
        process.start(*options)
        try:
            yield process
        finally:
            if process.running.poll() is None:
                process.end(signal.SIGKILL)


async def until(true: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.05)


async def quiet(process: Process) -> dict[str, Any]:
    """The books once the clerks have nothing left to say."""
    deadline = time.monotonic() + 60
    while True:
        books: dict[str, Any] = await process.ask("/ledger?detail=1")
        if not books["waiting"]:
            still: dict[str, Any] = await process.ask("/ledger?detail=1")
            return still  # the sums of the first may be older than its list
        assert time.monotonic() < deadline, books
        await asyncio.sleep(0.1)


def run(scenario: Awaitable[None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scenario, 240)

    asyncio.run(bounded())


@pytest.fixture
def port() -> int:
    """A port that nobody listens on, nor on the one after it."""
    while True:
        with socket.socket() as probe, socket.socket() as after:
            probe.bind(("127.0.0.1", 0))
            number: int = probe.getsockname()[1]
            with suppress(OSError):
                after.bind(("127.0.0.1", number + 1))
                return number


def assert_nothing_lost_or_doubled(hub: Hub, books: dict[str, Any]) -> None:
    """Every notice the hub made was applied once, in the town it was for, and every report was made once."""
    applied = {(row["notice_id"], row["town"]): row["times"] for row in books["effects"]}
    assert applied == {(d.notice.notice_id, d.town.code): 1 for d in hub.deliveries.values()}
    assert (books["doubled"], books["applied"]) == (0, len(hub.deliveries))
    assert hub.counts["report conflict"] == 0
    assert all(delivery.state == "answered" for delivery in hub.deliveries.values())


def test_careful_towns_settle_every_move_in_every_layout_and_way(tmp_path: Path, port: int) -> None:
    async def scenario() -> None:
        async with country(tmp_path, port) as process:
            count = len(process.hub.towns) // 2  # every layout twice or thrice
            for move in moves(list(process.hub.towns.values()), count):
                process.hub.file(move)
                await asyncio.sleep(0.01)
            process.hub.tokens.clear()  # as if all had been revoked
            await until(process.hub.settled)
            books = await quiet(process)
            assert_nothing_lost_or_doubled(process.hub, books)
            assert books["problems"] == []
            assert books["arrivals"] == len(process.hub.deliveries) == count * 5
            assert process.hub.counts["own layout"] > count
            assert process.hub.counts["401"] > 0
            assert not [name for name in process.hub.counts if name.endswith("again")]
            assert process.end(signal.SIGTERM) == 0
            assert_says_no_names(process, books)

    run(scenario())


def assert_says_no_names(process: Process, books: dict[str, Any]) -> None:
    """What the simulator prints and shows holds ids and numbers, no one's name."""
    shown = json.dumps(books, ensure_ascii=False) + "".join(process.said)
    assert not re.search("見本|太郎|試験|花子|ミホン|シケン", shown)


def test_killed_at_the_worst_moments_the_towns_lose_and_double_nothing(tmp_path: Path, port: int) -> None:
    """SIGKILL after the hub has handed over or taken something and before the town hears of it."""
    done: Counter[str] = Counter()
    kills = {"content": {2, 9}, "receipts": {3, 40}, "reports": {5, 30}}

    async def scenario() -> None:
        async with country(tmp_path, port, most=16) as process:
            hub = process.hub

            async def strike(what: str) -> None:
                done[what] += 1
                if done[what] in kills.get(what, ()):
                    process.end(signal.SIGKILL)
                    hub.tokens.clear()
                    process.start()

            hub.afterwards = strike
            for move in moves(list(hub.towns.values()), 24):
                hub.file(move)
                await asyncio.sleep(0.02)
            await until(hub.settled)
            assert_nothing_lost_or_doubled(hub, await quiet(process))
            assert hub.counts["fetched"] > sum(d.town.way == "pull" for d in hub.deliveries.values())
            assert len([name for name in hub.counts if name.endswith("again")]) >= 2

    run(scenario())


def test_misbehaving_towns_are_slow_and_loud_but_lose_and_double_nothing(tmp_path: Path, port: int) -> None:
    loud = ("flaky", "garbage", "duplicate", "out_of_order", "slow", "wrong+locking")
    faults = [option for name in loud for option in ("--fault", f"{name}:16")]

    async def scenario() -> None:
        async with country(tmp_path, port, *faults, bad_luck=0.05, most=24) as process:
            for move in moves(list(process.hub.towns.values()), 30):
                process.hub.file(move)
            await until(process.hub.settled)
            books = await quiet(process)
            assert_nothing_lost_or_doubled(process.hub, books)
            assert set(books["faults"]) == set(loud)
            assert process.hub.counts["garbage"] > 0
            assert process.hub.counts["report again"] > 0
            assert process.hub.counts["gate"] > 0

    run(scenario())


def test_locking_wrong_and_flapping_towns_settle_everything(tmp_path: Path, port: int) -> None:
    """Locked records, misleading answers and towns that come and go: nothing is held, lost or doubled by it."""
    (tmp_path / "script.toml").write_text(
        """
        [[act]]
        towns = "all"
        profile = ["locking", "wrong", "flapping"]
        turns = [24.0, 16.0]

        [[act]]  # something happens at a known moment too
        towns = "10%"
        profile = "down"
        until = 1
        """,
        encoding="utf-8",
    )

    async def scenario() -> None:
        options = ("--script", str(tmp_path / "script.toml"), "--poll", "5", "--speed", "40")
        async with country(tmp_path, port, *options, ways=("push", "pull"), most=12) as process:
            hub = process.hub
            for move in moves(list(hub.towns.values()), 48):
                hub.file(move)
            await until(hub.settled)
            books = await quiet(process)
            assert sum(delivery.town.way == "push" for delivery in hub.deliveries.values()) >= 100
            assert_nothing_lost_or_doubled(hub, books)
            assert hub.counts["temporary"] > 0
            assert set(books["played"]) >= {"locked", "wrong", "misled", "away"}
            assert set(books["faults"]) == {"locking+wrong+flapping"}
            assert books["problems"] == []
            for language, title in (("ja", "模擬の市区町村"), ("en", "Simulated towns")):
                for path in ("/", f"/towns/{next(iter(hub.towns))}"):
                    async with hub.session.get(
                        f"http://127.0.0.1:{port}{path}", headers={"Accept-Language": f"{language}-JP, fr;q=0.5"}
                    ) as answer:
                        page = await answer.text()
                    assert f"<h1>{title}" in page
                    assert "locking+wrong+flapping" in page
                    assert_says_no_names(process, books | {"page": page})

    run(scenario())


def test_a_town_that_loses_its_disk_asks_for_everything_again(tmp_path: Path, port: int) -> None:
    async def scenario() -> None:
        async with country(tmp_path, port, "--fault", "loses_disk:100", most=len(WAYS)) as process:
            hub = process.hub
            for move in moves(list(hub.towns.values()), 12):
                hub.file(move)
            await until(hub.settled)
            deadline = time.monotonic() + 60
            while (books := await quiet(process))["applied"] < len(hub.deliveries):  # what is back is answered again
                assert time.monotonic() < deadline, books
                await asyncio.sleep(0.1)
            assert_nothing_lost_or_doubled(hub, books)
            assert books["played"]["disk"] == len(WAYS)
            assert hub.counts["report again"] + hub.counts["receipt received again"] > 0

    run(scenario())


def test_a_town_that_is_down_holds_up_its_own_and_goes_on_when_it_is_back(tmp_path: Path, port: int) -> None:
    async def scenario() -> None:
        async with country(tmp_path, port, "--fault", "down:100", "--poll", "5", most=8) as process:
            hub, codes = process.hub, list(process.hub.towns)
            for move in moves(list(hub.towns.values()), 6):
                hub.file(move)
            await asyncio.sleep(1)
            assert (await process.ask("/ledger"))["notices"] == 0
            assert hub.reports == {}
            await process.ask("/faults", {"profile": "careful", "towns": codes})
            await until(hub.settled)
            assert_nothing_lost_or_doubled(hub, await quiet(process))

    run(scenario())


def test_a_town_that_refuses_says_so(tmp_path: Path, port: int) -> None:
    async def scenario() -> None:
        async with country(tmp_path, port, "--fault", "refusing:100", most=8) as process:
            for move in moves(list(process.hub.towns.values()), 12):
                process.hub.file(move)
            await until(lambda: all(d.state in {"held", "answered"} for d in process.hub.deliveries.values()))
            for delivery in process.hub.deliveries.values():
                pushed = delivery.town.way == "push"
                assert (delivery.state, set(delivery.receipts)) == (
                    ("held", set()) if pushed else ("answered", {"rejected"})
                )
            assert (await quiet(process))["applied"] == 0

    run(scenario())


def test_an_inbox_takes_only_what_is_signed_readable_and_its_own(tmp_path: Path, port: int) -> None:
    async def scenario() -> None:
        async with country(tmp_path, port) as process:
            town, other = [town for town in process.hub.towns.values() if town.way == "push"][:2]
            parcel = written(town)
            line = Line(process.hub.session, town.signing_key)
            with pytest.raises(UnprovenError, match="401"):
                await send(town.address, parcel, Line(process.hub.session, other.signing_key))
            for wrong in (
                (other.address, parcel, Line(process.hub.session, other.signing_key)),
                (town.address.replace(town.code, "999999"), parcel, line),
                (town.address, written(town, content=b"\x00\xff nothing"), line),
                (town.address, written(town, content=b""), line),
                (town.address, written(town, kind="arrival.planned"), line),
                (town.address, written(town, name="another id"), line),
            ):
                with pytest.raises(RefusedError):
                    await send(*wrong)
            assert (await process.ask("/ledger"))["notices"] == 0
            for _ in range(3):
                await send(town.address, parcel, line)
            with pytest.raises(RefusedError) as caught:
                await send(town.address, written(town, receipt_no="00-TEST-0002-0"), line)
            assert caught.value.code == "E202"
            books = await quiet(process)  # of which the hub knows nothing: 404 to every answer
            assert [(row["times"], row["arrivals"]) for row in books["effects"]] == [(0, 4)]
            assert {problem["status"] for problem in books["problems"]} >= {404}
            assert books["reports"] == books["receipts"] == {}

    run(scenario())


def written(town: Town, *, receipt_no: str = "00-TEST-0001-0", **changes: Any) -> Parcel:
    """A parcel for a town, perhaps with something wrong about it."""
    notice = Notice(
        notice_id="0195e5a0-0000-7000-8000-000000000001",
        type="moveout.submitted",
        receipt_no=receipt_no,
        version=1,
        recipient=town.code,
        role=Role.ORIGIN,
        movers=MOVERS,
    )
    layout = town.layout
    return Parcel(
        name=changes.get("name", notice.notice_id),
        type=changes.get("kind", notice.type),
        content=changes.get("content", layout.write(notice).content),
        content_type=layout.content_type,
        extension=layout.extension,
        records=2,
    )


def test_a_file_spoilt_on_the_way_is_asked_for_again(tmp_path: Path, port: int) -> None:
    async def scenario() -> None:
        async with country(tmp_path, port, "--fault", "down:100", most=4) as process:
            hub = process.hub
            place = next(town for town in hub.towns.values() if town.way == "folder")
            [move] = moves([place] * 3, 1)
            hub.file(move)
            tray = tmp_path / "towns" / place.code
            await until(lambda: len(list(tray.glob("*.manifest.json"))) == 2)
            for manifest in tray.glob("*.manifest.json"):
                file = tray / json.loads(manifest.read_bytes())["file"]
                file.write_bytes(file.read_bytes()[:-1])
            await process.ask("/faults", {"profile": "careful", "towns": [place.code]})
            await until(hub.settled)
            books = await quiet(process)
            assert_nothing_lost_or_doubled(hub, books)
            assert books["reports"]["resend.requested"] == len(list((tray / "bad").glob("*.manifest.json"))) == 2
            await until(lambda: not list(tray.glob("*.*")))  # all put away

    run(scenario())
