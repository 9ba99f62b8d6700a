"""Gaiji tables through the admin's door, connections that use them, and which town is given which layout."""

import html
from collections import Counter
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from hub.accounts.models import User
from municipalities import codes, connections, gaiji, models, standard
from municipalities.admin import ConnectionForm
from municipalities.models import Connection, Gaiji, GaijiTable
from tests.conftest import HAKODATE, clerk

pytestmark = pytest.mark.django_db

ROWS = "private,sequence,note\nU+E000,U+20BB7,つちよし\n\ue001,邉\U000e0100,\n"


def desk(user: User) -> Client:
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(user)
    return client


@pytest.fixture
def operator() -> Client:
    return desk(User.objects.create(username="operator", is_staff=True, is_operator=True))


def send(client: Client, path: str, text: str | bytes, **more: str) -> Any:
    content = text if isinstance(text, bytes) else text.encode()
    fields = {"title": "見本市の外字", "source": "", "csv": SimpleUploadedFile("rows.csv", content)} | more
    return client.post(f"/admin/municipalities/gaijitable/{path}/", fields)


def table_of(rows: str = ROWS) -> GaijiTable:
    table = GaijiTable.objects.create(name="mihon", title="見本")
    gaiji.replace(table, gaiji.read("rows.csv", rows.encode()))
    return table


# --- Gaiji tables ------------------------------------------------------------------------------------


def test_a_table_comes_in_as_csv_goes_out_and_comes_back_the_same(operator: Client) -> None:
    assert send(operator, "add", ROWS, name="mihon").status_code == 302
    table = GaijiTable.objects.get()
    assert {row.private: row.sequence for row in table.rows.all()} == {"\ue000": "𠮷", "\ue001": "邉\U000e0100"}
    file = operator.get(f"/admin/municipalities/gaijitable/{table.pk}/csv/")
    assert file.content.decode() == "private,sequence,note\nU+E000,U+20BB7,つちよし\nU+E001,U+9089 U+E0100,\n"
    before = table.version
    assert send(operator, f"{table.pk}/change", b"\xef\xbb\xbf" + file.content).status_code == 302
    table.refresh_from_db()
    assert table.version == before  # nothing changed, so nothing is compiled again
    assert "U+20BB7" in operator.get("/admin/municipalities/gaiji/", {"q": "つちよし"}).content.decode()


WRONG = [
    ("private,sequence\nU+E000,𠮷\n", 1, ""),
    ("private,sequence,note\n吉,𠮷,\n", 2, "private"),
    ("private,sequence,note\nU+E000,𠮷,\nU+E000,髙,\n", 3, "private"),
    ("private,sequence,note\nU+E000,𠮷,\nU+E001,𠮷,\n", 3, "sequence"),
    ("private,sequence,note\nU+E000,U+E001,\n", 2, "sequence"),
    ("private,sequence,note\nU+E000,吉田,\n", 2, "sequence"),
    ("private,sequence,note\nU+E000,,\n", 2, "sequence"),
    ("private,sequence,note\nU+E000,U+D842,\n", 2, "sequence"),
    (f"private,sequence,note\nU+E000,𠮷,{'あ' * 101}\n", 2, "note"),
    ("private,sequence,note\nU+E000,𠮷\n", 2, ""),
    ("private,sequence,note\nU+E000,𠮷,\nU+E001,髙,\n".encode("cp932", "replace"), 3, ""),
]


@pytest.mark.parametrize(("text", "row", "column"), WRONG)
def test_a_wrong_cell_is_named_by_row_and_column_and_nothing_is_taken(
    operator: Client, text: str | bytes, row: int, column: str
) -> None:
    table = table_of()
    kept = list(table.rows.values_list("private", "sequence", "note"))
    answer = send(operator, f"{table.pk}/change", text)
    assert answer.status_code == 200
    named = f"rows.csv, row {row}" + (f", column {column}: " if column else ": ")
    assert named in html.unescape(str(answer.context["errors"]))
    assert list(table.rows.values_list("private", "sequence", "note")) == kept


def test_the_database_keeps_private_characters_private() -> None:
    table = table_of()
    for private, sequence in (("吉", "𠮷"), ("\ue002", ""), ("\ue000", "髙"), ("\ue005", "𠮷")):
        with pytest.raises(IntegrityError), transaction.atomic():
            Gaiji.objects.create(table=table, private=private, sequence=sequence)
    Gaiji.objects.create(table=table, private="\U000f0000", sequence="辻\U000e0101")


def test_a_clerk_looks_characters_up_and_changes_none() -> None:
    table = table_of()
    client = desk(clerk(HAKODATE))
    assert client.get("/admin/municipalities/gaiji/").status_code == 200
    assert send(client, f"{table.pk}/change", "private,sequence,note\n").status_code == 403
    assert table.rows.count() == 2


def test_a_connection_writes_and_reads_by_its_table_and_by_its_newest_version() -> None:
    table = table_of()
    row = Connection.objects.get(municipality=HAKODATE)
    row.standard, row.gaiji = with_gaiji(), table
    assert row.layout() is row.layout()
    before = models.gaiji(table.pk, table.version)
    gaiji.replace(table, gaiji.read("rows.csv", ROWS.encode() + "U+E002,髙,\n".encode()))
    assert models.gaiji(table.pk, table.version).private.keys() - before.private.keys() == {"髙"}
    # A process that still has the number of an earlier version gets what is in force.
    models.gaiji.cache_clear()
    assert models.gaiji(table.pk, table.version - 1).private.keys() == {"𠮷", "邉\U000e0100", "髙"}


def test_a_table_that_the_standard_cannot_use_is_refused_in_the_form() -> None:
    answers = {"standard": "unix_eucjp_csv", "address": "pull:", "valid_from": "2027-04-01", "concurrency": 4}
    form = ConnectionForm(answers | {"gaiji": table_of().pk})
    assert "euc_jp" in str(form.errors["gaiji"])
    assert "gaiji" not in ConnectionForm(answers | {"gaiji": ""}).errors


def with_gaiji() -> str:
    """A standard in CP932."""
    return next(name for name in standard.names() if standard.load(name).encoding == "cp932")


# --- Which town is given which layout ------------------------------------------------------------------


def test_every_standard_is_somebodys_and_always_the_same_ones() -> None:
    known = [codes.complete(f"{number:05}") for number in range(1_000, 48_000, 25)]
    drawn = Counter(connections.assign(code)[0] for code in known)
    assert set(drawn) == set(standard.names())
    assert min(drawn.values()) > len(known) / len(drawn) / 2


@given(code=st.from_regex("[0-9]{6}", fullmatch=True), new=st.from_regex("[a-z]{3,9}", fullmatch=True))
def test_a_new_standard_moves_only_towns_that_are_given_it(code: str, new: str) -> None:
    before = connections.draw(standard.names(), f"standard {code}")
    assert connections.draw((*standard.names(), new), f"standard {code}") in (before, new)
