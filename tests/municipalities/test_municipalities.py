"""The table of municipalities, its loading, connections and their look-up in the admin."""

from collections import Counter
from datetime import date, time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from municipalities import codes, connections, loader, standard
from municipalities.apps import check_holidays
from municipalities.models import CalendarException, Connection, Kind, Municipality

TODAY = date(2026, 11, 23)
BEFORE_HAMAMATSU = date(2023, 12, 31)


@pytest.fixture(scope="module")
def table() -> dict[str, Municipality]:
    return loader.read_municipalities()


@pytest.fixture
def nothing(db: None) -> None:
    """No municipality at all, until this test's transaction is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE municipalities_municipality CASCADE")


@pytest.fixture
def country(nothing: None) -> None:
    """The whole country, loaded and connected."""
    loader.sync()
    connections.create_missing(TODAY)


# --- Codes and the table -----------------------------------------------------------------------------


@given(st.from_regex("[0-9]{5}", fullmatch=True), st.integers(0, 5), st.integers(1, 9))
def test_one_wrong_digit_is_noticed_but_where_two_remainders_share_a_digit(first: str, place: int, by: int) -> None:
    code = codes.complete(first)
    wrong = code[:place] + str((int(code[place]) + by) % 10) + code[place + 1 :]
    # Remainders 0 and 10 of eleven share one digit: 1 comes from 10 and from 0 (11 - 0 = 11, mod 10).
    assert codes.is_valid(code)
    assert not codes.is_valid(wrong) or (code[5] == wrong[5] == "1")


def test_the_table_has_the_whole_country(table: dict[str, Municipality]) -> None:
    now = [row for row in table.values() if not row.valid_to]
    kinds = Counter(row.kind for row in now)
    assert kinds == {
        "designated_city": 20,
        "city": 772,
        "town": 743,
        "village": 183,
        "special_ward": 23,
        "ward": 171,
    }
    assert sum(kinds.values()) - kinds[Kind.WARD] - kinds[Kind.SPECIAL_WARD] == 1_718
    assert sum(kinds.values()) - kinds[Kind.DESIGNATED_CITY] == 1_892
    assert len({row.prefecture for row in now}) == len(codes.prefectures()) == 47
    assert len({row.parent_code for row in now} - {""}) == 20
    assert {row.full_name for row in now if row.kind == Kind.WARD} >= {
        "北海道札幌市中央区",
        "静岡県浜松市浜名区",
    }
    assert len({row.full_name for row in now}) == len(now)


CELLS: list[tuple[str, str, str, str]] = [
    ("code", "011011", "011012", "011012 has a wrong check digit, 011011 would be right"),
    ("code", "011011", "11011", "'11011' is not six digits"),
    ("kind", "ward", "region", "'region' is none of designated_city, city"),
    ("prefecture", "北海道", "東京都", "'東京都', but code 011011 lies in 北海道"),
    ("kana", "チュウオウク", "ﾁｭｳｵｳｸ", "is not full-width katakana"),
    ("parent_code", "011002", "011003", "011003 has a wrong check digit, 011002 would be right"),
    ("parent_code", "011002", "012025", "012025 is no designated city of this table"),
    ("parent_code", "011002", "", "a ward, and only a ward"),
    ("valid_from", "", "2024-1-1", "'2024-1-1' is not a day"),
]


@pytest.mark.parametrize(("column", "right", "wrong", "why"), CELLS)
def test_a_wrong_cell_is_named_with_what_would_be_right(
    tmp_path: Path, column: str, right: str, wrong: str, why: str
) -> None:
    cells = "011011,ward,北海道,札幌市,中央区,チュウオウク,011002,,".split(",")  # noqa: SIM905
    row = dict(zip(loader.COLUMNS, cells, strict=True))
    assert row[column] == right
    row[column] = wrong
    file = tmp_path / "municipalities.csv"
    city = "011002,designated_city,北海道,,札幌市,サッポロシ,,,"
    lines = [",".join(loader.COLUMNS), city, ",".join(row.values())]
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(loader.TableError) as refused:
        loader.read_municipalities(file)
    assert str(refused.value).startswith(f"municipalities.csv, row 3, column {column}: ")
    assert why in str(refused.value)


# --- Loading ---------------------------------------------------------------------------------------


def edited(tmp_path: Path, before: str, after: str) -> Path:
    text = loader.MUNICIPALITIES.read_text(encoding="utf-8")
    assert before in text
    file = tmp_path / "municipalities.csv"
    file.write_text(text.replace(before, after), encoding="utf-8")
    return file


def test_loading_twice_changes_nothing_and_reports_what_changed(
    nothing: None, tmp_path: Path, table: dict[str, Municipality]
) -> None:
    first, second = loader.sync(), loader.sync()
    assert (len(first.added), len(first.successions), first.unchanged) == (1_919, 8, 0)
    assert (second.added, second.changed, second.ended, second.successions) == ([], [], [], [])
    assert second.unchanged == 1_919

    Municipality.objects.filter(pk="473821").update(opens_at=time(9), closes_at=time(16))
    renamed = edited(tmp_path, "473821,town,沖縄県,八重山郡,与那国町", "473821,village,沖縄県,八重山郡,与那国村")
    assert loader.sync(renamed).changed == ["473821"]
    row = Municipality.objects.get(pk="473821")
    assert (row.name, row.kind, row.opens_at, row.closes_at) == ("与那国村", "village", time(9), time(16))

    ending = edited(tmp_path, "ヨナグニチョウ,,,\n", "ヨナグニチョウ,,,2027-03-31\n")
    report = loader.sync(ending)
    assert (report.ended, report.changed) == (["473821"], [])
    assert loader.sync().unlisted == []


def test_a_wrong_table_loads_nothing(nothing: None, tmp_path: Path) -> None:
    with pytest.raises(loader.TableError, match=r"row 1920.*473829 has a wrong check digit, 473821 would be right"):
        loader.sync(edited(tmp_path, "473821", "473829"))
    assert not Municipality.objects.exists()


def test_the_command_says_what_it_did(nothing: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sync_municipalities", connections=True, since=TODAY, town_base_url="http://127.0.0.1:9200/")
    said = capsys.readouterr().out
    assert "1919 municipalities added: 011002, 011011" in said
    assert "8 successions added or changed: 221317 → 221384" in said
    assert "1892 connections added" in said
    assert Connection.objects.filter(address="http://127.0.0.1:9200/towns/011037/inbox").count() == 1


def test_the_command_refuses_in_one_line(db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wrong = edited(tmp_path, "473821", "473829")
    monkeypatch.setattr(loader, "sync", partial(loader.sync, wrong))
    with pytest.raises(CommandError, match=r"^municipalities\.csv, row 1920, column code: 473829 has a wrong"):
        call_command("sync_municipalities")


def test_hamamatsu(country: None) -> None:
    old, new = Municipality.objects.get(pk="221350"), Municipality.objects.get(pk="221392")
    assert (old.full_name, old.valid_to) == ("静岡県浜松市北区", BEFORE_HAMAMATSU)
    assert new.valid_from == date(2024, 1, 1)
    wards = Municipality.objects.filter(parent_code="221309")
    assert wards.valid_on(BEFORE_HAMAMATSU).count() == 7
    assert wards.valid_on(date(2024, 1, 1)).count() == 3

    def successors(code: str, day: date = TODAY) -> list[str]:
        return [row.code for row in Municipality.objects.successors(code, day)]

    assert successors("221350") == ["221384", "221392"]
    assert successors("221317") == ["221384"]
    assert successors("221317", BEFORE_HAMAMATSU) == ["221317"]
    assert successors("011011") == ["011011"]
    assert successors("999997") == []


# --- Connections -----------------------------------------------------------------------------------


def test_every_register_office_gets_one_connection_and_always_the_same(country: None) -> None:
    rows = list(Connection.objects.valid_on(TODAY))
    leaf = Municipality.objects.leaf().valid_on(TODAY)
    assert {row.municipality_id for row in rows} == set(leaf.values_list("code", flat=True))
    assert len(rows) == 1_892
    share = {
        name: count / len(rows)
        for name, count in Counter(connections.assign(r.municipality_id)[1] for r in rows).items()
    }
    assert share == {
        "pull": pytest.approx(2 / 3, abs=0.03),
        "https": pytest.approx(0.22, abs=0.03),
        "folder": pytest.approx(0.11, abs=0.03),
    }
    both = Counter((row.standard, row.address.partition(":")[0]) for row in rows)
    assert len(both) == 3 * len(standard.names())
    assert connections.assign("011011") == connections.assign("011011")
    assert connections.assign("011011")[1] == "pull"


def test_what_an_operator_did_is_left_alone(country: None) -> None:
    mine = Connection.objects.get(municipality="011011")
    mine.valid_to = TODAY
    mine.save()
    Connection.objects.filter(municipality="011029").update(address="https://bridge.example.jp/inbox", concurrency=1)
    Connection.objects.get(municipality="011037").delete()
    assert connections.create_missing(date(2026, 12, 1)) == ["011037"]
    assert Connection.objects.get(municipality="011029").address == "https://bridge.example.jp/inbox"


def test_two_connections_of_one_municipality_never_overlap(country: None) -> None:
    now = Connection.objects.get(municipality="011011")
    following = Connection(
        municipality=now.municipality, standard="gif_json", address="pull:", valid_from=date(2027, 4, 1)
    )
    with pytest.raises(ValidationError, match=r"別の接続|Another connection"):
        following.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        following.save()
    now.valid_to = date(2027, 3, 31)
    now.save()
    following.full_clean()
    following.save()
    assert Connection.objects.valid_on(date(2027, 3, 31)).get(municipality="011011") == now
    assert Connection.objects.valid_on(date(2027, 4, 1)).get(municipality="011011") == following


BAD_ROWS: list[dict[str, Any]] = [
    {"code": "1101", "kind": "city"},
    {"code": "０１１０１１", "kind": "city"},
    {"code": "011011", "kind": "ward"},
    {"code": "011011", "kind": "city", "parent_code": "011002"},
    {"code": "011011", "kind": "city", "valid_from": date(2024, 1, 1), "valid_to": date(2023, 1, 1)},
    {"code": "011011", "kind": "city", "opens_at": time(17), "closes_at": time(8)},
]


@pytest.mark.parametrize("row", BAD_ROWS)
def test_the_database_refuses_rows_that_cannot_be(nothing: None, row: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Municipality.objects.create(prefecture="北海道", name="試験市", kana="シケンシ", **row)


# --- Calendars and the admin ------------------------------------------------------------------------


def test_the_calendar_of_a_municipality_has_its_hours_and_exceptions(country: None) -> None:
    town = Municipality.objects.get(pk="341002")
    town.opens_at = time(9)
    town.save()
    town.exceptions.create(day=date(2026, 8, 6), by_ordinance=True)
    town.exceptions.create(day=date(2026, 3, 28), opens_at=time(9), closes_at=time(12))
    with pytest.raises(IntegrityError), transaction.atomic():
        CalendarException.objects.create(municipality=town, day=date(2026, 3, 29), opens_at=time(9))
    calendar = Municipality.objects.get(pk="341002").opening()
    assert calendar.due_on(date(2026, 7, 23), 14) == date(2026, 8, 7)
    assert calendar.next_open_day(date(2026, 3, 28)) == date(2026, 3, 28)
    assert calendar.hours_on(date(2026, 3, 30)) is not None
    assert calendar.hours_on(date(2026, 3, 30)).opens_at == time(9)  # type: ignore[union-attr]


@pytest.fixture
def operator(country: None, client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("operator"))
    return client


def test_the_admin_finds_by_name_reading_and_code(operator: Client) -> None:
    for term in ("札幌市中央区", "さっぽろ", "サッポロ", "011011", "０１１０１１", "北海道"):
        page = operator.get("/admin/municipalities/municipality/", {"q": term})
        found = {row.code for row in page.context["cl"].queryset}
        assert found & {"011011", "011002"}, term
        assert len(found) < 200, term
    page = operator.get("/admin/municipalities/municipality/", {"in_force": "no"})
    assert len(page.context["cl"].queryset) == 7


def test_the_admin_changes_hours_and_connections_but_not_the_table(operator: Client) -> None:
    url = "/admin/municipalities/municipality/011011/change/"
    page = operator.get(url)
    assert "北海道札幌市中央区" in page.content.decode()
    now = Connection.objects.get(municipality="011011")
    data = {
        "name": "別の区", "opens_at": "09:00", "closes_at": "17:00",
        "connections-TOTAL_FORMS": "1", "connections-INITIAL_FORMS": "1", "connections-0-id": now.pk,
        "connections-0-municipality": "011011", "connections-0-standard": "no_such",
        "connections-0-address": "ftp://x/",
        "connections-0-valid_from": "2026-11-23", "connections-0-valid_to": "",
        "connections-0-concurrency": "2", "connections-0-retry_hours": "72",
    }  # fmt: skip
    for inline in ("exceptions", "succeeded_by", "succeeds"):
        data |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    refused = operator.post(url, data)
    assert "gif_json" in str(refused.context["errors"])
    assert "ftp://x/" in refused.content.decode()
    data |= {"connections-0-standard": now.standard, "connections-0-address": now.address}
    data["connections-0-sets_protection"] = "on"
    saved = operator.post(url, data)
    assert saved.status_code == 302, saved.context["errors"]
    row = Municipality.objects.get(pk="011011")
    assert (row.name, row.opens_at, row.connections.get().concurrency) == ("中央区", time(9), 2)
    assert row.connections.get().sets_protection
    assert operator.get("/admin/municipalities/municipality/add/").status_code == 403
    assert operator.post("/admin/municipalities/municipality/011011/delete/").status_code == 403


def test_the_end_of_the_holidays_is_announced_a_year_before() -> None:
    with time_machine.travel(date(2029, 11, 20)):
        assert check_holidays() == []
    with time_machine.travel(date(2029, 12, 1)):
        assert [warning.id for warning in check_holidays()] == ["municipalities.W001"]
