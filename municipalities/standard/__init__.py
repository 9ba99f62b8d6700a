"""A standard: one version of one record layout, declared in a folder of ``municipalities/standards/``.

``standard.toml`` says what it is and what it omits and why; ``fields.csv`` has one row per item; ``codes/``
holds ours → theirs; ``sample.*`` is what the receiver signed off, byte for byte. A cell names a thing, it
never holds an expression. The same tables write and read; a folder is found by being there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from municipalities.characters import Fallback
from municipalities.notice import Notice
from municipalities.standard.shapes import Flat, Tree, Written
from municipalities.standard.sources import near
from municipalities.standard.tables import Field, TableError, Tables, read_folder

__all__ = ["Fallback", "Field", "Standard", "TableError", "Written", "compiled", "load", "names"]

STANDARDS = Path(__file__).parent.parent / "standards"

SHAPES: Mapping[str, type[Flat] | type[Tree]] = {
    "delimited": Flat,
    "fixed_width": Flat,
    "xml": Tree,
    "json": Tree,
}
MEDIA = {
    "delimited": ("text/csv", "csv"),
    "fixed_width": ("text/plain", "dat"),
    "xml": ("application/xml", "xml"),
    "json": ("application/json", "json"),
}
#: Names of encodings as the IANA registry of character sets has them.
CHARSETS = {"cp932": "Windows-31J", "utf-8": "utf-8"}


@dataclass(frozen=True, slots=True)
class Standard:
    """One record layout: writes a notice, and reads back what it wrote."""

    name: str
    title: str
    source: str
    published: str
    format: str
    encoding: str
    extends: str
    provisional: bool
    reason: str  #: why it is provisional
    omits: Mapping[str, str]
    items: tuple[Field, ...]
    codes: Mapping[str, Mapping[str, str]]
    shape: Flat | Tree = field(repr=False, compare=False)

    @property
    def charset(self) -> str:
        return CHARSETS.get(self.encoding, self.encoding)

    @property
    def content_type(self) -> str:
        return f"{MEDIA[self.format][0]}; charset={self.charset}"

    @property
    def extension(self) -> str:
        return MEDIA[self.format][1]

    @property
    def sample(self) -> Path:
        """The golden sample."""
        return STANDARDS / self.name / f"sample.{self.extension}"

    def write(self, notice: Notice) -> Written:
        """The notice in this layout, or ``UnfitError`` (E130, E131, E132) naming the item."""
        return self.shape.write(notice)

    def read(self, content: bytes) -> Notice:
        """The notice in this layout's bytes; what the layout omits has its defaults."""
        return self.shape.read(content)


def names() -> tuple[str, ...]:
    """Every standard there is."""
    return tuple(sorted(path.parent.name for path in STANDARDS.glob("*/standard.toml")))


@cache
def load(name: str) -> Standard:
    """A standard, compiled once."""
    return compiled(_tables(name))


@cache
def _tables(name: str) -> Tables:
    if name not in names():
        raise TableError(name, "there is no such standard", near(name, iter(names())))
    return read_folder(STANDARDS / name, _tables)


def compiled(tables: Tables) -> Standard:
    """Make a standard of its tables."""
    head = tables.head
    return Standard(
        name=tables.name,
        title=head.title,
        source=head.source,
        published=head.published,
        format=head.format,
        encoding=head.encoding,
        extends=head.extends,
        provisional=head.provisional,
        reason=head.reason,
        omits=head.omits,
        items=tables.fields,
        codes=tables.codes,
        shape=SHAPES[head.format](tables),
    )
