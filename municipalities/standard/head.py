"""``standard.toml``: what a layout is, how its file is written, what it omits and why."""

from collections.abc import Mapping
from typing import Any

import msgspec

#: Formats of rows: every item of a record has its place in it.
ROWS = ("delimited", "fixed_width", "symbols")
#: Formats of named items: what was not filed is not there.
TREES = ("xml", "json", "sheet")
FORMATS = (*ROWS, *TREES)

#: What each format can hold: single texts, or also JSON's own types and repeated items.
CELLS: Mapping[str, set[type]] = {
    "delimited": {str},
    "fixed_width": {str},
    "symbols": {str},
    "sheet": {str},
    "xml": {str, list},
    "json": {str, list, int, bool},
}
#: Media type and extension.
MEDIA = {
    "delimited": ("text/csv", "csv"),
    "fixed_width": ("text/plain", "dat"),
    "symbols": ("text/plain", "qr"),
    "sheet": ("text/plain", "txt"),
    "xml": ("application/xml", "xml"),
    "json": ("application/json", "json"),
}
#: Encodings by Python's names, and their names in the IANA registry of character sets. JIS X 0213 has none there.
CHARSETS = {
    "utf-8": "utf-8",
    "utf-16-le": "UTF-16LE",
    "cp932": "Windows-31J",
    "euc_jp": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP",
    "shift_jis_2004": "x-Shift_JIS-2004",
}
#: The encodings that hold every character a citizen may file.
UNLIMITED = {"utf-8", "utf-16-le"}
UNITS = ("characters", "bytes", "utf16")
LINE_ENDS = {"crlf": "\r\n", "lf": "\n", "none": ""}
QUOTING = ("all", "minimal", "none")

#: Kinds of records in the order in which they stand in a file.
RECORDS = ("header", "household", "person", "trailer")


class Dialect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dialect]``: how items and records of a format of rows, or the lines of a sheet, are set apart."""

    delimiter: str = ","
    quoting: str = "all"  #: which items stand in quotation marks: all, minimal (where needed), none
    header: bool = True  #: whether the first line names the items
    line_end: str = ""  #: crlf, lf or none; without one it is what the format has by custom
    byte_order_mark: bool = False


class Answering(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[answers]``: what differs in the file that a town sends back."""

    root: str = ""
    movers: str = ""  #: XML, JSON, sheet: the name under which the answers repeat
    omits: dict[str, str] = {}


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``standard.toml``."""

    title: str
    source: str
    published: str = ""
    format: str
    encoding: str = "utf-8"
    characters: str = ""  #: a narrower repertoire within a Unicode encoding: see ``characters.Repertoire``
    extends: str = ""
    provisional: bool = False
    reason: str = ""
    unit: str = "characters"  #: what widths count: characters, bytes of the encoding, or UTF-16 code units
    root: str = ""  #: XML: the document element; sheet: the line it begins with
    movers: str = ""  #: XML, JSON, sheet: the name under which the movers repeat, perhaps a path
    namespaces: dict[str, str] = {}
    attributes: dict[str, str] = {}  #: XML: of the document element
    dialect: Dialect = Dialect()
    continues: bool = False  #: whether movers beyond a record's places go on in a further record
    symbol: int = 0  #: symbols: bytes that one symbol holds
    symbols: int = 16  #: symbols: how many there may be
    drops: list[str] = []  #: items of the base that this layout does not have
    totals: dict[str, int] = {}  #: what the layout's own sheet counts: rows, items, width
    omits: dict[str, str] = {}
    answers: Answering = Answering()

    @property
    def line_end(self) -> str:
        custom = "none" if self.format == "fixed_width" else "crlf"
        return LINE_ENDS[self.dialect.line_end or custom]


#: What a layout does not take over from the one it extends.
OWN = ("drops", "totals")
#: Tables whose keys are merged, so that a variant names only what differs.
MERGED = ("dialect", "omits", "answers")


def merged(below: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a layout over those of its base.

    An empty reason takes an omission of the base back, because this layout has the item.
    """
    settings = {key: value for key, value in below.items() if key not in OWN} | dict(own)
    for name in MERGED:
        if isinstance(below.get(name), dict) and isinstance(own.get(name), dict):
            settings[name] = below[name] | own[name]
    if isinstance(settings.get("omits"), dict):
        settings["omits"] = {leaf: reason for leaf, reason in settings["omits"].items() if reason}
    return settings
