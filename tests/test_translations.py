"""Every text that a citizen or clerk reads stands in the catalogue, in Japanese, and is compiled."""

from collections.abc import Iterator
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import pytest
from babel.messages.extract import extract_from_dir, extract_python
from babel.messages.pofile import read_po
from django.contrib import admin
from django.utils.translation import templatize

from municipalities import calendars

ROOT = Path(__file__).resolve().parents[1]
KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
}
#: Said by modules that know no Django; whoever shows them translates them.
SAID_BELOW = {(None, calendars.OUTSIDE)}
Found = tuple[int, str | tuple[str, ...], list[str], str | None]


def extract_template(
    file: IO[bytes], keywords: dict[str, Any], comment_tags: list[str], options: Any
) -> Iterator[Found]:
    """Yield the texts of a Django template, turned into Python as Django's own ``makemessages`` does."""
    source = templatize(file.read().decode(), origin=str(getattr(file, "name", "")))
    yield from extract_python(BytesIO(source.encode()), keywords, comment_tags, options)


def djangos_own() -> set[tuple[str | None, str]]:
    """Return the texts that Django's admin brings in Japanese itself: its templates, overridden here, say them too."""
    folder = Path(admin.__file__).parent / "locale/ja/LC_MESSAGES"
    with (folder / "django.po").open("rb") as file:
        return {
            (text.context, text.id if isinstance(text.id, str) else text.id[0]) for text in read_po(file) if text.id
        }


def written_in(package: str) -> set[tuple[str | None, str]]:
    """Return context and text of everything in the package's modules and templates."""
    methods: list[tuple[str, Any]] = [("**.py", "python"), ("**.html", extract_template), ("**.txt", extract_template)]
    found = extract_from_dir(ROOT / package, methods, keywords=KEYWORDS)
    return {(row[4], row[2] if isinstance(row[2], str) else row[2][0]) for row in found}


@pytest.mark.parametrize("package", ["hub", "municipalities"])
def test_every_text_is_translated_and_compiled(package: str) -> None:
    folder = ROOT / package / "locale/ja/LC_MESSAGES"
    with (folder / "django.po").open("rb") as file:
        catalogue = {
            (text.context, text.id if isinstance(text.id, str) else text.id[0]): text
            for text in read_po(file)
            if text.id
        }
    with (folder / "django.mo").open("rb") as file:
        built = GNUTranslations(file)
    texts = written_in(package)
    assert sorted(map(str, texts - catalogue.keys() - djangos_own())) == []
    assert sorted(map(str, catalogue.keys() - texts - SAID_BELOW)) == []
    for (context, text), message in catalogue.items():
        japanese = message.string
        assert all(japanese or [""]), text
        if isinstance(message.id, str):
            assert japanese == (built.pgettext(context, text) if context else built.gettext(text))
