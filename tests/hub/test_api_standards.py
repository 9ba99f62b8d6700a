"""The record standards at the API: for everybody, in every form, asked for again only when they changed."""

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client
from lxml import html

from municipalities import standard
from municipalities.standard import load

pytestmark = pytest.mark.django_db
CSV = "juki_list_csv"


def get(path: str = "", **headers: str) -> Any:
    client = Client(HTTP_HOST="127.0.0.1")
    return client.get(
        f"/api/v1/standards{path}", headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def test_the_list_names_every_standard_and_every_link_opens() -> None:
    rows = get().json()["standards"]
    assert [row["name"] for row in rows] == list(standard.names())
    by_name = {row["name"]: row for row in rows}
    assert "table-schema" in by_name[CSV]["links"]
    assert "table-schema" not in by_name["gif_json"]["links"]
    for address in (*by_name[CSV]["links"].values(), *by_name["gif_json"]["links"].values()):
        assert Client(HTTP_HOST="127.0.0.1").get(address).status_code == 200, address


@pytest.mark.parametrize("name", standard.names())
def test_a_standard_says_everything_its_tables_say(name: str) -> None:
    layout, told = load(name), get(f"/{name}").json()
    names = [item["name"] for items in told["records"].values() for item in items]
    assert {item.name for item in layout.items if not item.repeat} <= set(names)
    assert (told["codes"], told["omits"]) == (
        {key: dict(table) for key, table in layout.codes.items()},
        dict(layout.omits),
    )
    assert told["provisional"] == bool(told["reason"])


def test_the_forms() -> None:
    layout = load(CSV)
    rows = list(csv.DictReader(io.StringIO(get(f"/{CSV}?as=csv").content.decode(), newline="")))
    assert [(row["name"], row["source"]) for row in rows] == [(item.name, item.source) for item in layout.items]
    schema = get(f"/{CSV}?as=table-schema")
    assert schema["Content-Type"].startswith("application/vnd.datapackage.table-schema+json")
    assert [field["name"] for field in schema.json()["fields"]] == [item.name for item in layout.items]
    assert get(f"/{CSV}?as=json-schema").json()["$schema"].endswith("2020-12/schema")
    page: Any = html.fromstring(get(f"/{CSV}?as=page").content)
    shown = [cell.text_content() for cell in page.xpath("(//table)[1]/tbody/tr/th[@scope='row']")]
    assert shown == [item.name for item in layout.items]
    assert page.get("lang") == "ja"
    assert not page.xpath("//style | //script | //*[@style]")  # the content security policy allows none inside


def test_accept_chooses_where_as_does_not() -> None:
    assert get(f"/{CSV}", Accept="text/html,application/xhtml+xml")["Content-Type"].startswith("text/html")
    assert get(f"/{CSV}", Accept="text/csv")["Content-Type"].startswith("text/csv")
    assert get(f"/{CSV}", Accept="*/*")["Content-Type"].startswith("application/json")
    assert get(f"/{CSV}?as=json", Accept="text/html")["Content-Type"].startswith("application/json")
    assert {"Accept", "Accept-Language"} <= {word.strip() for word in get(f"/{CSV}")["Vary"].split(",")}
    assert 'lang="en"' in get(f"/{CSV}?as=page", Accept_Language="en").content.decode()


def test_who_has_the_same_bytes_gets_none() -> None:
    first = get(f"/{CSV}?as=csv")
    again = get(f"/{CSV}?as=csv", If_None_Match=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert get(f"/{CSV}?as=json", If_None_Match=first["ETag"]).status_code == 200
    assert first["Cache-Control"] == "public, no-cache"


def test_what_is_not_there_is_refused_with_what_is_like_it() -> None:
    unknown = get("/juki_list_cvs")
    assert (unknown.status_code, unknown["Content-Type"]) == (404, "application/problem+json")
    told = json.loads(unknown.content)
    assert (told["code"], told["pointer"]) == ("E108", "/name")
    assert CSV in told["detail"]
    for path, offered in ((f"/{CSV}?as=xsd", "table-schema"), ("/gif_json?as=table-schema", "json-schema")):
        refused = get(path)
        assert (refused.status_code, refused.json()["code"], refused.json()["pointer"]) == (400, "E110", "/as")
        assert offered in refused.json()["detail"]
    assert "table-schema" not in get("/gif_json?as=xsd").json()["detail"]
