"""A layout as a page to read and to print, in the reader's language: items, codes, omissions, losses, sample."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from municipalities.exports.description import settings
from municipalities.exports.items import Placed, records
from municipalities.exports.losses import Loss, of_layout
from municipalities.standard import Field, Standard
from municipalities.standard.tables import Tables

STYLE = Path(__file__).parent.parent / "static" / "municipalities" / "standard.css"

Words = str | Promise

FORMATS: Mapping[str, Words] = {
    "delimited": _("separated values"),
    "fixed_width": _("fixed width"),
    "xml": "XML",
    "json": "JSON",
    "sheet": _("labelled lines to print"),
    "symbols": _("two-dimensional symbols"),
}
UNITS: Mapping[str, Words] = {
    "characters": _("characters"),
    "bytes": _("bytes"),
    "utf16": _("UTF-16 code units"),
}
RECORDS: Mapping[str, Words] = {
    "header": _("Header record"),
    "household": _("Household record"),
    "person": _("Person record"),
    "trailer": _("Trailer record"),
}

#: How a value is written; a converter that is not here is shown by its name.
CONVERTERS: Mapping[str, Words] = {
    "text": "",
    "wide": _("full width"),
    "half": _("half width"),
    "half_kana": _("half-width kana"),
    "number": _("digits"),
    "integer": _("whole number"),
    "flag": _("1 = yes, 0 = no"),
    "flag_2": _("1 = yes, 2 = no"),
    "flag_words": _("有 or 無"),
    "boolean": _("true or false"),
    "present": _("1 = written"),
    "present_words": _("あり where it is written"),
    "real_day": _("YYYY-MM-DD, left out unless the day is real and known"),
    "chain": _("words joined by の"),
    "words": _("list of words"),
    "iso": "YYYY-MM-DD",
    "gif": _("YYYY-MM-DD, 9 where unknown"),
    "slashes": "YYYY/MM/DD",
    "ymd": "YYYYMMDD",
    "ymd_9": _("YYYYMMDD, 9 where unknown"),
    "gyymmdd": _("era digit and YYMMDD"),
    "ggyymmdd": _("two era digits and YYMMDD"),
    "era_letter": _("era letter and YYMMDD"),
    "era_dots": "R08.04.01",
    "era_slashes": "R08/04/01",
    "era_lower": "r08.04.01",
    "era_words": "令和8年4月1日",
}

LOSSES: Mapping[str, Words] = {
    "omitted": _("No item for it"),
    "short": _("The item may be too short: the delivery is held"),
    "merged": _("Two of our values become one"),
    "changed": _("Written otherwise, with a record of it"),
    "held": _("Cannot be written: a clerk decides"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One item on the page."""

    number: int
    item: Field
    how: Words
    start: int | None  #: its first byte, from 1
    end: int | None


def page(layout: Standard, *, style: str = "") -> str:
    """A whole HTML document; with the address of a style sheet, or with the style inside it."""
    context = {
        "layout": layout,
        "format": FORMATS[layout.format],
        "unit": UNITS[layout.tables.head.unit],
        "settings": settings(layout),
        "files": list(_files(layout.tables)),
        "fixed": layout.format == "fixed_width",
        "losses": list(_losses(of_layout(layout))),
        "sample": sample(layout),
        "style": style,
        "css": "" if style else STYLE.read_text(encoding="utf-8"),
    }
    return render_to_string("municipalities/standard.html", context)


def _files(tables: Tables) -> Iterator[tuple[Words, list[tuple[Words, list[Line]]]]]:
    """The file of notices and that of answers: a heading and the kinds of records in each."""
    for heading, file in ((_("Items"), tables), (_("Items of the file of answers"), tables.answers)):
        if file is not None:
            kinds = records(file)
            yield heading, [(RECORDS[kind] if len(kinds) > 1 else "", list(_lines(kinds[kind]))) for kind in kinds]


def _lines(placed: list[Placed]) -> Iterator[Line]:
    for number, one in enumerate(placed, 1):
        item = one.field
        how = "" if item.codes or not item.source else CONVERTERS.get(item.convert, item.convert)
        start, end = (None, None) if one.offset is None else (one.offset + 1, one.offset + item.width)
        yield Line(number, item, how, start, end)


def _losses(losses: tuple[Loss, ...]) -> Iterator[tuple[Words, list[Loss]]]:
    for kind, title in LOSSES.items():
        if found := [loss for loss in losses if loss.kind == kind]:
            yield title, found


def sample(layout: Standard) -> str:
    """The golden sample as text; records without line ends a line each."""
    if not layout.sample.exists():
        return ""
    content = layout.sample.read_bytes()
    widths = {sum(one.field.width for one in placed) for placed in records(layout.tables).values()}
    width = (
        widths.pop() if layout.format == "fixed_width" and not layout.tables.head.line_end and len(widths) == 1 else 0
    )
    lines = [content[start : start + width] for start in range(0, len(content), width)] if width else [content]
    return "\n".join(line.decode(layout.encoding) for line in lines)
