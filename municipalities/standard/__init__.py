"""A standard: one version of one record layout, declared in a folder of ``municipalities/standards/``.

``standard.toml`` says what it is and what it omits and why; ``fields.csv`` has one row per item; ``codes/``
holds ours → theirs; ``answers.csv`` the file that the town sends back; ``gaiji.csv`` its private-use characters;
``sample.*`` is what the receiver signed off, byte for byte. A cell names a thing, it
never holds an expression. The same tables write and read; a folder is found by being there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from municipalities.characters import NOTHING_DECIDED, Decisions, Fallback, Gaiji, Question
from municipalities.errors import UnfitError
from municipalities.notice import Notice
from municipalities.standard.answers import Answer, AnswerKind, Answers
from municipalities.standard.flat import Flat
from municipalities.standard.folder import read_folder
from municipalities.standard.head import CHARSETS, MEDIA, ROWS
from municipalities.standard.sections import Alert, Written
from municipalities.standard.sources import near
from municipalities.standard.tables import Field, TableError, Tables
from municipalities.standard.texts import Paper
from municipalities.standard.tree import Tree

__all__ = [
    "Alert",
    "Answer",
    "AnswerKind",
    "Fallback",
    "Field",
    "Standard",
    "TableError",
    "Written",
    "compiled",
    "load",
    "load_all",
    "names",
    "tables_of",
]

STANDARDS = Path(__file__).parent.parent / "standards"


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
    tables: Tables = field(repr=False, compare=False)  #: the folder as it was read
    shape: Flat | Tree = field(repr=False, compare=False)
    answers: Flat | Tree | None = field(repr=False, compare=False)

    @property
    def charset(self) -> str:
        return CHARSETS[self.encoding]

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

    def write(self, notice: Notice, decided: Decisions = NOTHING_DECIDED) -> Written:
        """The notice in this layout, or ``UnfitError`` (E130, E131, E132, E310) naming the item.

        ``decided`` says what clerks want written for texts that the layout cannot hold.
        """
        return self.shape.write(notice, decided)

    def questions(self, notice: Notice, decided: Decisions = NOTHING_DECIDED) -> tuple[Question, ...]:
        """Everything that clerks must still decide before the notice can be written; each text once an item."""
        return self.shape.questions(notice, decided)

    def read(self, content: bytes, decided: Decisions = NOTHING_DECIDED) -> Notice:
        """The notice in this layout's bytes; what the layout omits has its defaults."""
        notice: Notice = self.shape.read(content, decided)
        return notice

    def alerts(self, content: bytes) -> tuple[Alert, ...]:
        """What a clerk is told of values that could be read, but are not as they should be."""
        return self.shape.alerts(content)

    def write_answers(self, answers: Iterable[Answer]) -> bytes:
        """A town's answers in this layout; ``UnfitError`` (E111) where it has no file of answers."""
        return self._answers.write(Answers(answers=tuple(answers))).content

    def read_answers(self, content: bytes, decided: Decisions = NOTHING_DECIDED) -> tuple[Answer, ...]:
        """The answers in a file that a town sent back."""
        found: Answers = self._answers.read(content, decided)
        return found.answers

    @property
    def _answers(self) -> Flat | Tree:
        if self.answers is None:
            raise UnfitError(f"{self.name} has no file of answers", code="E111")
        return self.answers


def names() -> tuple[str, ...]:
    """Every standard there is."""
    return tuple(sorted(path.parent.name for path in STANDARDS.glob("*/standard.toml")))


@lru_cache(maxsize=512)
def load(name: str, gaiji: Gaiji | None = None) -> Standard:
    """A standard, compiled once; with a town's own private-use characters in place of the folder's."""
    return compiled(tables_of(name), gaiji)


def load_all() -> None:
    """Compile every standard now: a process that does it before it begins keeps no town waiting for another's."""
    for name in names():
        load(name)


@cache
def tables_of(name: str) -> Tables:
    """The tables of a standard, read once."""
    if name not in names():
        raise TableError(name, "there is no such standard", near(name, iter(names())))
    return read_folder(STANDARDS / name, tables_of)


def compiled(tables: Tables, gaiji: Gaiji | None = None) -> Standard:
    """Make a standard of its tables."""
    head, gaiji = tables.head, gaiji or tables.gaiji
    try:
        Paper.of(head, gaiji).repertoire("")
    except ValueError as error:
        raise TableError(f"{tables.name}/standard.toml", str(error)) from None
    shape = Flat if head.format in ROWS else Tree
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
        tables=tables,
        shape=shape(tables, gaiji),
        answers=shape(tables.answers, gaiji) if tables.answers else None,
    )
