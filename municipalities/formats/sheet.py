"""A sheet of labelled lines, for people and for e-mail: «項目: 値», folded at 76 columns, read back exactly.

A heading, the lines of the notice, a section for each that repeats, and a last line that counts the others, so
that a sheet that was cut off is noticed. A blank item has no line. Within a value ``\\\\`` is a backslash, ``\\n`` a
new line and ``\\u{3000}`` a character that mail would lose; a line that ends in ``\\`` goes on, after one space.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unicodedata import combining, east_asian_width

from municipalities.characters import CLUSTER, SELECTOR
from municipalities.errors import UnfitError

Tree = dict[str, Any]

WIDEST = 76  #: columns of a line
SPACES = " \t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
#: What mail changes or loses: controls, other line ends, a mark of byte order, spaces at the ends; and our own sign.
SPECIAL = re.compile(f"[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]|^[{SPACES}]|[{SPACES}]$")
UNIT = re.compile(rf"\\(?:\\|n|u\{{[0-9A-F]+\}})|{CLUSTER.pattern}", re.DOTALL)
ESCAPE = re.compile(r"\\(\\|n|u\{([0-9A-F]{1,6})\}|.|$)", re.DOTALL)
TAIL = re.compile(r"(?<!\\)(?:\\\\)*\\$")


@dataclass(frozen=True, slots=True)
class Form:
    """What frames the lines of a sheet."""

    title: str
    section: str  #: heads the lines of each that repeats
    encoding: str
    line_end: str


def render(tree: Tree, form: Form) -> bytes:
    """The sheet; what repeats stands last.

    >>> form = Form("通知", "異動者", "utf-8", "\\n")
    >>> print(render({"受付番号": "1", "備考": "", "異動者": [{"氏名": "見本"}]}, form).decode())
    通知
    受付番号: 1
    【異動者 1/1】
    氏名: 見本
    【以上 4】
    <BLANKLINE>
    """
    sections = tree.get(form.section, [])
    lines = [form.title, *_lines({name: value for name, value in tree.items() if name != form.section})]
    for number, section in enumerate(sections, 1):
        lines += [f"【{form.section} {number}/{len(sections)}】", *_lines(section)]
    lines.append(f"【以上 {len(lines)}】")
    folded = [part for line in lines for part in (_folded(line) if 2 * len(line) > WIDEST else (line,))]
    return form.line_end.join([*folded, ""]).encode(form.encoding)


def _lines(items: Tree) -> Iterator[str]:
    for name, value in items.items():
        if value:
            yield f"{name}: {SPECIAL.sub(_escaped, value) if SPECIAL.search(value) else value}"


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return {"\\": "\\\\", "\n": "\\n"}.get(character) or f"\\u{{{ord(character):04X}}}"


def _folded(line: str) -> Iterator[str]:
    """The lines of one line; an escape and a character with its selector stay together.

    >>> [len(part) for part in _folded("備考: " + "見" * 50)]
    [39, 17]
    """
    part, columns = "", 0
    if sum(map(COLUMNS.__getitem__, line)) <= WIDEST:
        yield line
        return
    for unit in UNIT.findall(line):
        width = sum(map(COLUMNS.__getitem__, unit))
        if columns + width > WIDEST - 1:
            yield f"{part}\\"
            part, columns = " ", 1
        part, columns = part + unit, columns + width
    yield part


class Columns(dict[str, int]):
    """How wide each character is, remembered."""

    def __missing__(self, character: str) -> int:
        selects = combining(character) or SELECTOR.match(character)
        columns = self[character] = 0 if selects else 2 if east_asian_width(character) in "WFA" else 1
        return columns


COLUMNS = Columns()


def parse(content: bytes, form: Form) -> Tree:
    """The items of a sheet."""
    try:
        text = content.decode(form.encoding)
    except UnicodeDecodeError as error:
        raise UnfitError(f"byte {error.start} is not {form.encoding}", code="E100") from None
    title, *lines = list(_unfolded(text)) or [""]
    if title != form.title:
        raise UnfitError(f"a sheet must begin with «{form.title}»", code="E100")
    if not lines or lines[-1] != f"【以上 {len(lines)}】":
        raise UnfitError("the sheet does not end with the number of its lines", code="E100")
    return _tree(lines[:-1], form)


def _unfolded(text: str) -> Iterator[str]:
    """Whole lines, without the spaces that mail leaves at their ends; empty lines do not count."""
    whole, goes_on = "", False
    for line in text.split("\n"):
        stripped = line.rstrip(f"{SPACES}\r")
        if not stripped and not goes_on:
            continue
        whole += stripped.removeprefix(" ") if goes_on else stripped
        goes_on = stripped.endswith("\\") and TAIL.search(stripped) is not None
        if goes_on:
            whole = whole[:-1]
        else:
            yield whole
            whole = ""
    if goes_on:
        raise UnfitError("the last line is cut off", code="E100")


def _tree(lines: list[str], form: Form) -> Tree:
    tree: Tree = {form.section: []}
    section, sections = re.compile(f"【{re.escape(form.section)} ([0-9]+)/([0-9]+)】"), tree[form.section]
    items, total = tree, ""
    for number, line in enumerate(lines, 2):
        if heading := section.fullmatch(line):
            items = {}
            sections.append(items)
            total = total or heading[2]
            if heading[1] != str(len(sections)) or heading[2] != total:
                raise UnfitError(f"line {number}: {form.section} {len(sections)} is expected", code="E100")
            continue
        name, colon, value = line.partition(": ")
        if not colon or name in items:
            raise UnfitError(f"line {number} is no item, or stands twice", code="E100")
        items[name] = ESCAPE.sub(_meant, value) if "\\" in value else value
    if total and total != str(len(sections)):
        raise UnfitError(f"there are {len(sections)} of {total} {form.section}", code="E100")
    return tree


def _meant(found: re.Match[str]) -> str:
    sign, code = found[1], found[2]
    if sign in {"\\", "n"}:
        return "\n" if sign == "n" else sign
    if code is None or int(code, 16) > 0x10FFFF or 0xD800 <= int(code, 16) < 0xE000:
        raise UnfitError("a backslash is followed by what means nothing", code="E100")
    return chr(int(code, 16))
