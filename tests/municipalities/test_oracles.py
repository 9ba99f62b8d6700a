"""Oracles that know nothing of our code: the files that we write, read by others' readers and from the tables alone.

CSVs by Python's ``csv`` and the Table Schema that vendors get, XML by libxml2 against an XSD, JSON by ``jsonschema``
against the schema that vendors get, fixed width by offsets added up from the tables.
"""

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lxml import etree

from municipalities import standard
from municipalities.errors import UnfitError
from municipalities.exports.json_schema import json_schema
from municipalities.exports.table_schema import table_schema
from municipalities.standard import load
from tests.golden import DECIDED, GOLDEN
from tests.samples import HARD, ONE, OTHER

Row = dict[str, str]
LINE_ENDS = {"crlf": "\r\n", "lf": "\n"}
FLAT, TREES = ("delimited", "fixed_width"), ("json",)


# --- the tables, read without the engine ----------------------------------------------------------------


def settings(name: str) -> dict[str, Any]:
    """``standard.toml`` over the one it extends."""
    own = tomllib.loads((standard.STANDARDS / name / "standard.toml").read_text(encoding="utf-8"))
    below = settings(own["extends"]) if "extends" in own else {}
    return below | own | {"dialect": below.get("dialect", {}) | own.get("dialect", {}), "drops": own.get("drops", [])}


def rows(name: str) -> list[Row]:
    """``fields.csv`` over the one it extends: changed in place, or behind the item it follows; without the dropped."""
    head = settings(name)
    found = rows(head["extends"]) if head.get("extends") else []
    path = standard.STANDARDS / name / "fields.csv"
    with path.open(encoding="utf-8", newline="") if path.exists() else io.StringIO() as file:
        for row in csv.DictReader(file):
            keys = [(old.get("record") or "", old["name"]) for old in found]
            key = (row.get("record") or "", row["name"])
            place = keys.index(key) if key in keys else len(found)
            if key in keys:
                del found[place], keys[place]
            if after := row.get("after"):
                place = 0 if after == "-" else keys.index((key[0], after)) + 1
            found.insert(place, row)
    drops = {
        drop.partition(":")[2] if drop.split(":")[0] in {"header", "household", "person", "trailer"} else drop
        for drop in head["drops"]
    }
    return [row for row in found if row["name"] not in drops]


def of(*formats: str) -> list[str]:
    return [name for name in standard.names() if settings(name)["format"] in formats]


def files(name: str) -> Iterator[tuple[str, bytes]]:
    """The golden sample and every other notice that this layout can hold."""
    layout = load(name)
    yield "golden", layout.sample.read_bytes()
    for title, notice in {"ONE": ONE, "OTHER": OTHER, "GOLDEN": GOLDEN, **HARD}.items():
        try:
            yield title, layout.write(notice, DECIDED).content
        except UnfitError:
            continue


# --- CSV ------------------------------------------------------------------------------------------------


def wrong(row: Mapping[str, str], fields: list[dict[str, Any]]) -> list[str]:
    """What a plain checker of Table Schema finds: missing values are blank, constraints are of the whole cell."""
    found = []
    for field in fields:
        cell, rules = row[field["name"]], field.get("constraints", {})
        if not cell:
            found += [f"{field['name']} is blank"] if rules.get("required") else []
        elif "enum" in rules and cell not in rules["enum"]:
            found.append(f"{field['name']}: {cell} is none of {rules['enum']}")
        elif "pattern" in rules and not re.fullmatch(rules["pattern"], cell):
            found.append(f"{field['name']}: {cell} is not {rules['pattern']}")
    return found


def read_csv(name: str, content: bytes) -> list[list[str]]:
    head = settings(name)
    dialect = head["dialect"]
    text = content.decode(head.get("encoding", "utf-8"))
    assert text.startswith("\ufeff") == dialect.get("byte_order_mark", False)
    assert text.endswith(LINE_ENDS[dialect.get("line_end") or "crlf"])
    delimiter = dialect.get("delimiter", ",")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter, strict=True))


@pytest.mark.parametrize("name", of("delimited"))
def test_a_csv_is_what_its_table_schema_says(name: str) -> None:
    schema = table_schema(load(name))
    kinds = [schema["fields"]] if "fields" in schema else [table["schema"]["fields"] for table in schema["resources"]]
    for title, content in files(name):
        lines = read_csv(name, content)
        if settings(name)["dialect"].get("header", True):
            heading = lines.pop(0)
            assert heading == [field["name"] for field in kinds[0]]
            plain = [row for row in rows(name) if not row.get("repeat")]
            assert {row["name"] for row in plain} <= set(heading)
        assert lines
        for line in lines:
            fitting = [fields for fields in kinds if len(fields) == len(line)]
            verdicts = [
                wrong(dict(zip((field["name"] for field in fields), line, strict=True)), fields) for fields in fitting
            ]
            assert [] in verdicts, (title, verdicts)


@pytest.mark.parametrize("name", of("delimited"))
def test_the_table_schema_finds_what_is_wrong(name: str) -> None:
    """The check above can fail: a value that no table has, in a cell with a closed list."""
    schema = table_schema(load(name))
    fields = schema["fields"] if "fields" in schema else schema["resources"][0]["schema"]["fields"]
    listed = [field for field in fields if "enum" in field.get("constraints", {})]
    blank = {field["name"]: "" for field in fields}
    assert listed
    assert all(any("none of" in each for each in wrong(blank | {field["name"]: "no code"}, fields)) for field in listed)


# --- fixed width ----------------------------------------------------------------------------------------


def offsets(name: str) -> dict[str, list[tuple[Row, int, int]]]:
    """Kind of record → its items with the bytes from and to, added up."""
    found: dict[str, list[tuple[Row, int, int]]] = {}
    for row in rows(name):
        items = found.setdefault(row.get("record") or "person", [])
        start = items[-1][2] if items else 0
        items.append((row, start, start + int(row["width"])))
    return found


def cut(name: str, content: bytes) -> list[dict[str, str]]:
    """Every record, its kind known by the constants at their bytes: its cells by what their source is."""
    head, kinds = settings(name), offsets(name)
    end = LINE_ENDS.get(head["dialect"].get("line_end", ""), "").encode(head["encoding"])
    found = []
    while content:
        for items in kinds.values():
            marks = [(row["constant"], start, stop) for row, start, stop in items if row.get("constant")]
            if all(content[start:stop].decode(head["encoding"]).strip() == text for text, start, stop in marks):
                break
        else:
            raise AssertionError("a record of no kind")
        length = items[-1][2]
        assert content[length : length + len(end)] == end
        cells = {
            row["source"]: content[start:stop].decode(head["encoding"]) for row, start, stop in items if row["source"]
        }
        found.append(cells)
        content = content[length + len(end) :]
    return found


@pytest.mark.parametrize("name", of("fixed_width"))
def test_bytes_stand_where_the_table_says(name: str) -> None:
    """By the table alone: whose record it is, codes of six digits, and every number where it belongs."""
    golden = dict(files(name))["golden"]
    records = cut(name, golden)
    persons = [cells for cells in records if "mover.ordinal" in cells]
    assert [int(cells["mover.ordinal"]) for cells in persons] == [mover.ordinal for mover in GOLDEN.movers]
    told = {source: text for cells in records for source, text in cells.items() if not source.startswith("mover.")}
    for source in ("notice_id", "receipt_no", "recipient", "origin", "destination"):
        assert told[source].rstrip() == getattr(GOLDEN, source)
    assert int(told["version"]) == GOLDEN.version
    assert persons[0]["mover.full_name_kana"].rstrip() == "ﾀｶﾊｼ ﾖｼｺ"
    for _, content in files(name):
        cut(name, content)


# --- JSON and XML ---------------------------------------------------------------------------------------


def spoiled(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The document with one value of another type, for each of its values."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from ((inner, node | {key: other}) for inner, other in spoiled(value, f"{path}/{key}"))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            found = spoiled(value, f"{path}/{place}")
            yield from ((inner, [*node[:place], other, *node[place + 1 :]]) for inner, other in found)
    else:
        yield path, {}


@pytest.mark.parametrize("name", of("json"))
def test_a_document_is_what_its_json_schema_says(name: str) -> None:
    schema = json_schema(load(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for title, content in files(name):
        assert [error.message for error in validator.iter_errors(json.loads(content))] == [], title
    document = json.loads(load(name).sample.read_bytes())
    assert not validator.is_valid(document | {"other": "member"})
    spoilt = list(spoiled(document))
    assert len(spoilt) > 100
    assert not [path for path, other in spoilt if validator.is_valid(other)]


@pytest.mark.parametrize("name", of("delimited"))
def test_rows_are_what_their_json_schema_says(name: str) -> None:
    schema = json_schema(load(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    if not settings(name)["dialect"].get("header", True):
        pytest.skip("objects need the names of a heading")
    for title, content in files(name):
        heading, *lines = read_csv(name, content)
        objects = [dict(zip(heading, line, strict=True)) for line in lines]
        assert [error.message for error in validator.iter_errors(objects)] == [], title
        assert not validator.is_valid([objects[0] | {"other": "x"}])


def schemas() -> list[tuple[str, Path]]:
    return [(path.parents[1].name, path) for path in sorted(standard.STANDARDS.glob("*/schema/notice.xsd"))]


@pytest.mark.parametrize(("name", "path"), schemas())
def test_a_document_is_valid_against_its_xsd(name: str, path: Path) -> None:
    validator = etree.XMLSchema(etree.parse(path))
    for title, content in files(name):
        assert validator.validate(etree.fromstring(content)), (title, validator.error_log)
    spoilt = etree.fromstring(load(name).sample.read_bytes())
    etree.SubElement(spoilt, "other")
    assert not validator.validate(spoilt)


def test_there_is_a_schema_for_xml() -> None:
    assert schemas()
