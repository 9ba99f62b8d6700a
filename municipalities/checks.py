"""System checks: every record standard loads, and still writes its golden sample byte for byte."""

from collections.abc import Sequence
from itertools import takewhile

from django.core.checks import CheckMessage, Error

from municipalities import standard
from municipalities.errors import UnfitError


def check_standards(**_options: object) -> Sequence[CheckMessage]:
    """What is wrong in the tables of each standard, by file, row and column."""
    return [error for name in standard.names() for error in check(name)]


def check(name: str) -> list[CheckMessage]:
    """What is wrong with one standard; nothing, if it can be used."""
    hint = f"Correct municipalities/standards/{name}/; «manage.py standards check» repeats this check."
    try:
        layout = standard.load(name)
        sample = layout.sample.read_bytes()
        written = layout.write(layout.read(sample)).content
    except standard.TableError as error:
        return [Error(str(error), hint=hint, id="municipalities.E001")]
    except FileNotFoundError:
        return [Error(f"{name}: there is no golden sample.", hint=hint, id="municipalities.E002")]
    except UnfitError as error:
        return [Error(f"{name}: the golden sample: {error.detail}.", hint=hint, id="municipalities.E003")]
    if written != sample:
        same = takewhile(lambda pair: pair[0] == pair[1], zip(written, sample, strict=False))
        message = f"{name}: the golden sample is written otherwise from byte {len(list(same))}."
        return [Error(message, hint=hint, id="municipalities.E004")]
    return []
