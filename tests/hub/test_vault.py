"""The vault: what is sealed opens for its own row and key only, and nothing personal lies anywhere in the clear."""

import base64
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from hub.actors import HUB, acting
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.fidelity.models import Substitution
from hub.relocations import services
from hub.relocations.models import Relocation, Report, Version
from hub.vault import cipher
from hub.vault import services as vault
from hub.vault.cipher import MasterKeys, SealBrokenError
from hub.vault.models import DataKey
from hub.vault.services import ShreddedError
from tests.conftest import filing
from tests.hub import journeys
from tests.hub.committed import tables

# --- One value -----------------------------------------------------------------------------------------

KEY = bytes(range(32))


@pytest.mark.parametrize(
    "change",
    [
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),  # the tag
        lambda sealed: sealed[:5] + bytes([sealed[5] ^ 1]) + sealed[6:],  # the nonce
        lambda sealed: sealed[:13] + sealed[14:],  # a byte less
        lambda sealed: b"\x02" + sealed[1:],  # another version
        lambda sealed: sealed[:1],
        lambda sealed: b"",
    ],
)
def test_a_changed_value_does_not_open(change: Callable[[bytes], bytes]) -> None:
    sealed = cipher.seal(KEY, "見本　太郎".encode(), "table.column:1")
    assert cipher.unseal(KEY, sealed, "table.column:1") == "見本　太郎".encode()
    with pytest.raises(SealBrokenError):
        cipher.unseal(KEY, change(sealed), "table.column:1")


def test_the_same_value_is_never_sealed_the_same_way() -> None:
    assert len({cipher.seal(KEY, b"x", "i") for _ in range(50)}) == 50


def key(name: str, value: int) -> str:
    """Return a master key as the setting has it."""
    return f"{name}:{base64.b64encode(bytes([value]) * 32).decode()}"


def test_master_keys_rotate_with_overlap() -> None:
    wrapped = MasterKeys.read([key("old", 1)]).wrap(KEY, "i")
    both = MasterKeys.read([key("new", 2), key("old", 1)])
    assert both.unwrap(wrapped, "i") == KEY
    again = both.wrap(KEY, "i")
    assert again.startswith(b"new:")
    assert MasterKeys.read([key("new", 2)]).unwrap(again, "i") == KEY


@pytest.mark.parametrize(
    "keys",
    [[key("new", 2)], [key("old", 2)]],
    ids=["the old key is gone", "another key under its name"],
)
def test_a_wrong_master_key_opens_nothing(keys: list[str]) -> None:
    wrapped = MasterKeys.read([key("old", 1)]).wrap(KEY, "i")
    for identity in ("i", "another row"):
        with pytest.raises(SealBrokenError):
            MasterKeys.read(keys).unwrap(wrapped, identity)
    with pytest.raises(SealBrokenError):
        MasterKeys.read([key("old", 1)]).unwrap(b"\xff" + wrapped, "i")


@pytest.mark.parametrize(
    "setting",
    [
        [],
        [""],
        ["a"],
        ["a:"],
        ["a:!!"],
        ["a:" + base64.b64encode(bytes(16)).decode()],
        [":" + base64.b64encode(bytes(32)).decode()],
    ],
)
def test_a_key_that_is_none_is_refused_at_start(setting: list[str]) -> None:
    with pytest.raises(ValueError, match=r"HUB_MASTER_KEYS|base64|padding|decode"):
        MasterKeys.read(setting)


# --- The rows ------------------------------------------------------------------------------------------


@pytest.fixture
def settled(db: None) -> Relocation:
    """A relocation that went all the way."""
    relocation = journeys.file(filing(5))
    journeys.settle(relocation, journeys.course(relocation, filing(5)))
    return relocation


@pytest.mark.django_db
def test_a_sealed_value_opens_in_its_own_row_and_column_only(settled: Relocation) -> None:
    with acting(HUB):
        open_key = vault.open_one(settled.pk)
        rows = list(Delivery.objects.filter(relocation_id=settled.pk))
        reports = list(Report.objects.filter(relocation=settled))
        version = Version.objects.get(relocation=settled)
        changed = list(Substitution.objects.filter(relocation_id=settled.pk))
    assert changed
    sealed = {row.identity: bytes(row.notice) for row in rows}
    sealed |= {report.identity: bytes(report.body) for report in reports}
    sealed[version.identity] = bytes(version.body)
    sealed |= {row.identity: bytes(row.texts) for row in changed}
    for identity, value in sealed.items():
        assert cipher.unseal(open_key, value, identity)
        for other in set(sealed) - {identity}:
            with pytest.raises(SealBrokenError):
                cipher.unseal(open_key, value, other)


@pytest.mark.django_db
def test_the_key_of_one_relocation_opens_no_other() -> None:
    one, other = journeys.file(filing(0)), journeys.file(filing(0))
    with acting(HUB):
        version = Version.objects.get(relocation=other)
        with pytest.raises(SealBrokenError):
            cipher.unseal(vault.open_one(one.pk), bytes(version.body), version.identity)
        DataKey.objects.filter(pk=other.pk).update(wrapped=DataKey.objects.get(pk=one.pk).wrapped)
        with pytest.raises(SealBrokenError):
            vault.open_one(other.pk)


@pytest.fixture
def master_keys(settings: Settings) -> Iterator[Callable[[list[str]], None]]:
    """Change the configured master keys, as a restart with another environment does."""

    def change(keys: list[str]) -> None:
        settings.HUB_MASTER_KEYS = keys
        vault.masters.cache_clear()

    yield change
    vault.masters.cache_clear()


@pytest.mark.django_db
def test_a_restart_with_a_new_master_key_first_reads_old_and_writes_new(
    master_keys: Callable[[list[str]], None], settings: Settings
) -> None:
    before = list(settings.HUB_MASTER_KEYS)
    old = journeys.file(filing(0))
    master_keys([key("next", 9), *before])
    new = journeys.file(filing(0))
    with acting(HUB):
        for relocation in (old, new):
            assert services.filing_of(relocation).movers
        assert bytes(DataKey.objects.get(pk=new.pk).wrapped).startswith(b"next:")
        master_keys([key("next", 9)])
        assert services.filing_of(new).movers
        with pytest.raises(SealBrokenError):
            services.filing_of(old)


def count(table: str) -> int:
    """Return how many rows a table has."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own tables
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_shredding_makes_everything_sealed_unreadable_and_leaves_the_rows(settled: Relocation) -> None:
    with acting(HUB):
        before = {table: count(table) for table in tables()}
        assert vault.shred(settled.pk)
        assert not vault.shred(settled.pk)
        with pytest.raises(ShreddedError):
            services.filing_of(settled)
        for row in Delivery.objects.filter(relocation_id=settled.pk):
            with pytest.raises(ShreddedError):
                deliveries.notice_of(row)
        after = {table: count(table) for table in tables()}
    assert {table for table in before if before[table] != after[table]} == {"vault_datakey"}
