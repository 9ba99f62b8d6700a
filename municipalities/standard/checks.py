"""Checks of a whole folder: each refusal names file, row, column, and what would be right."""

import codecs
from collections.abc import Iterator

from municipalities.standard.head import CELLS, CHARSETS, FORMATS, LINE_ENDS, QUOTING, ROWS, UNITS, UNLIMITED, Head
from municipalities.standard.records import check_records
from municipalities.standard.sources import Source, near
from municipalities.standard.tables import Field, TableError, Tables, carried, converter, omitted, ours_name

#: Formats in which a blank and a missing item look the same.
BLANKS = (*ROWS, "sheet")


def check(tables: Tables) -> None:
    """Refuse tables that could not be written, could not be read back, or silently lack a value."""
    _check_head(tables.head, f"{tables.name}/standard.toml")
    for each in filter(None, (tables, tables.answers)):
        check_records(each)
        _check_items(each)
        _check_omits(each, f"{tables.name}/standard.toml")
        _check_totals(each, f"{tables.name}/standard.toml")
        if each.head.format in BLANKS:
            _check_presence(each)


# --- standard.toml --------------------------------------------------------------------------------------


def _check_head(head: Head, where: str) -> None:
    for name, value, known in (
        ("format", head.format, FORMATS),
        ("encoding", head.encoding, CHARSETS),
        ("unit", head.unit, UNITS),
        ("quoting", head.dialect.quoting, QUOTING),
        ("line_end", head.dialect.line_end, ("", *LINE_ENDS)),
    ):
        if value not in known:
            raise TableError(where, f"{name} «{value}» is not known", f"use one of {', '.join(filter(None, known))}")
    for wrong, problem, right in _wrong(head):
        if wrong:
            raise TableError(where, problem, right)


def _wrong(head: Head) -> Iterator[tuple[bool, str, str]]:
    dialect, form = head.dialect, head.format
    quoted = form in {"delimited", "symbols"}
    yield head.provisional != bool(head.reason), "provisional and its reason go together", ""
    yield (
        form in {"xml", "json"} and (head.encoding != "utf-8" or not head.movers),
        "XML and JSON are written in utf-8 and need «movers»",
        "",
    )
    yield form == "sheet" and not (head.root and head.movers), "a sheet needs «root» and «movers»", "its headings"
    yield head.unit == "utf16" and head.encoding != "utf-16-le", "unit utf16 counts what utf-16-le writes", ""
    yield form == "symbols" and head.symbol < 64, "a symbol needs its size in bytes", "say symbol = 400"
    yield form != "symbols" and bool(head.symbol), f"{form} has no symbols", "remove symbol"
    yield form != "xml" and bool(head.attributes), f"{form} has no attributes", "remove [attributes]"
    delimiter = dialect.delimiter
    yield (
        quoted and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n' or delimiter.isalnum()),
        f"«{delimiter}» cannot set items apart",
        "use one sign, such as a comma or \\t",
    )
    yield quoted and not head.line_end, "records without line ends could not be told apart", "use crlf or lf"
    yield (
        dialect.byte_order_mark and (head.encoding not in UNLIMITED or form not in ROWS),
        "a byte order mark belongs to rows in utf-8 or utf-16-le",
        "",
    )
    yield form == "sheet" and head.encoding == "utf-16-le", "an e-mail is not written in utf-16-le", "use utf-8"
    narrow = bool(head.characters) and head.encoding not in UNLIMITED
    yield narrow, "«characters» narrows utf-8 or utf-16-le", "remove it"


# --- items ----------------------------------------------------------------------------------------------


def _check_items(tables: Tables) -> None:
    read: set[tuple[str, int]] = set()
    for kind, fields in tables.laid_out().items():
        _check_names(tables, kind, fields)
        for field in fields:
            if tables.head.format == "fixed_width" and not field.width:
                raise TableError(_place(field, "width"), "an item of fixed width needs one")
            if field.constant:
                _check_constant(tables, field)
            if field.source:
                _check_item(tables, field, first=(field.source, field.slot) not in read)
                if converter(field, tables.subject.sources[field.source]).read is not None:
                    read.add((field.source, field.slot))


def _place(field: Field, column: str = "") -> str:
    return f"{field.where}, item {field.name}" + (f", column {column}" if column else "")


def _check_names(tables: Tables, kind: str, fields: list[Field]) -> None:
    head, seen = tables.head, set[str]()
    headed = (head.format in {"delimited", "symbols"} and head.dialect.header) or head.format == "sheet"
    for field in fields:
        if field.name in seen:
            raise TableError(_place(field, "name"), f"«{field.name}» stands twice in the record {kind}")
        seen.add(field.name)
        if headed and (character := unwritable(field.name, head)):
            raise TableError(_place(field, "name"), f"«{character}» cannot be written in the heading")


def unwritable(text: str, head: Head) -> str:
    """The first character that the encoding, or the delimiter without quoting, cannot hold; else nothing."""
    unquoted = head.format in {"delimited", "symbols"} and head.dialect.quoting == "none"
    marks = f"\r\n{head.dialect.delimiter if unquoted else ''}"
    for character in text:
        if character in marks:
            return character
        try:
            if codecs.decode(codecs.encode(character, head.encoding), head.encoding) != character:
                return character
        except UnicodeEncodeError:
            return character
    return ""


def _check_constant(tables: Tables, field: Field) -> None:
    head = tables.head
    if character := unwritable(field.constant, head):
        raise TableError(_place(field, "constant"), f"«{character}» cannot be written in {head.encoding}")
    if field.width and (size := _size(field.constant, head)) > field.width:
        raise TableError(_place(field, "width"), f"{field.width} is too small", f"the constant needs {size}")


def _size(text: str, head: Head) -> int:
    if head.format == "fixed_width" or head.unit == "bytes":
        return len(text.encode(head.encoding))
    return len(text.encode(head.encoding)) // 2 if head.unit == "utf16" else len(text)


def _check_item(tables: Tables, field: Field, *, first: bool) -> None:
    source, form = tables.subject.sources[field.source], tables.head.format
    way = converter(field, source)
    if way.cell not in CELLS[form] or (source.counted and form not in ROWS):
        raise TableError(_place(field), f"«{field.convert}» of «{field.source}» has no place in {form}")
    if field.width and way.cell is not str:
        raise TableError(_place(field, "width"), f"a {way.cell.__name__} has none", "leave it blank")
    if form == "fixed_width" and (way.pad == "\u3000" or tables.head.encoding == "utf-16-le") and field.width % 2:
        raise TableError(_place(field, "width"), "a full-width item has an even number of bytes")
    least = _size("0" * way.length, tables.head)
    if field.width and field.width < least:
        raise TableError(_place(field, "width"), f"{field.width} is too small", f"it needs {least}")
    if field.codes:
        _check_codes(tables, field, source, first=first)


def _check_codes(tables: Tables, field: Field, source: Source, *, first: bool) -> None:
    if field.codes not in tables.codes:
        right = near(field.codes, tables.codes) or f"add codes/{field.codes}.csv"
        where = f"{field.where}, column codes"
        raise TableError(where, f"there is no table «{field.codes}»", right)
    table, where = tables.codes[field.codes], tables.files[field.codes]
    if source.domain is None:
        problem = f"«{field.source}» is not a closed list"
        raise TableError(f"{field.where}, column codes", problem, "leave it blank")
    ours = {ours_name(value) for value in source.domain}
    if missing := sorted(ours - set(table)):
        raise TableError(f"{where}, column ours", f"there is no code for {', '.join(missing)}", "add a row")
    codes = list(table.values())
    for row, (word, code) in enumerate(table.items(), 2):
        here = f"{where}, row {row}"
        if word not in ours:
            right = near(word, dict.fromkeys(ours)) or f"there are {', '.join(sorted(ours))}"
            raise TableError(f"{here}, column ours", f"the hub has no «{word}»", right)
        if first and codes.index(code) < row - 2:
            raise TableError(f"{here}, column theirs", f"«{code}» stands twice: it could not be read back")
        if first and source.enum is None and not code:
            raise TableError(f"{here}, column theirs", "a blank is what is left blank", "a word needs a code")
        if character := unwritable(code, tables.head):
            problem = f"«{character}» cannot be written in {tables.head.encoding}"
            raise TableError(f"{here}, column theirs", problem, "use another code")
        if field.width and _size(code, tables.head) > field.width:
            problem = f"«{code}» is longer than the item «{field.name}»"
            raise TableError(f"{here}, column theirs", problem, f"use at most {field.width}")


# --- what is carried ------------------------------------------------------------------------------------


def _check_omits(tables: Tables, where: str) -> None:
    values, omits = list(tables.subject.leaves()), tables.head.omits
    has, lacks = carried(tables.fields, tables.subject), omitted(omits, values)
    for name, reason in omits.items():
        if not reason or not omitted({name: reason}, values):
            right = near(name, iter(values)) or "give a reason"
            raise TableError(f"{where}, [omits]", f"«{name}» is not a value, or has no reason", right)
    if required := sorted(lacks & set(tables.subject.required)):
        raise TableError(f"{where}, [omits]", f"«{required[0]}» cannot be omitted: a town answers by it")
    if forgotten := sorted(set(values) - has - lacks):
        right = "add a row, or list it under [omits] with the reason"
        raise TableError(f"{tables.name}/{tables.file}", f"nothing carries {', '.join(forgotten)}", right)
    if needless := sorted(has & lacks):
        raise TableError(f"{where}, [omits]", f"«{needless[0]}» is carried by an item", "remove it")


def _check_totals(tables: Tables, where: str) -> None:
    """What the layout's own sheet says of itself: a lost row or a wrong width shows here."""
    own = [field for field in tables.fields if field.where.startswith(f"{tables.name}/{tables.file},")]
    found = {"rows": len(own), "items": len(tables.fields), "width": sum(field.width for field in tables.fields)}
    for name, total in tables.head.totals.items():
        if name not in found:
            raise TableError(f"{where}, [totals]", f"«{name}» is not counted", f"use one of {', '.join(found)}")
        if found[name] != total:
            problem = f"{name} = {total}, but the tables have {found[name]}"
            raise TableError(f"{where}, [totals]", problem, "correct the one that is wrong")


def _check_presence(tables: Tables) -> None:
    """In a row of texts a part that was filed empty must not look like one that was not filed."""
    told: dict[str, bool] = {}
    for field in tables.fields:
        if field.source and (part := tables.subject.sources[field.source].part).path:
            told[part.name] = told.get(part.name, False) or _never_blank(tables, field)
    for name in (name for name, is_told in told.items() if not is_told):
        right = f"add an item with source {name} and convert present"
        raise TableError(f"{tables.name}/{tables.file}", f"nothing tells an empty «{name}» from none", right)


def _never_blank(tables: Tables, field: Field) -> bool:
    source = tables.subject.sources[field.source]
    if source.enum is not None:
        return "" not in (tables.codes[field.codes].values() if field.codes else source.enum)
    return source.kind in {"part", "uncertain", "flag", "number"}
