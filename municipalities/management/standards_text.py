"""What ``manage.py standards`` prints: tables for people, made of what the exports find."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.table import Table

from municipalities.drafting.draft import Draft
from municipalities.exports.comparison import Comparison, Pair
from municipalities.exports.description import summary
from municipalities.exports.items import cells, records
from municipalities.exports.losses import Loss
from municipalities.standard import Standard

#: So many names of a long list are shown.
SHOWN = 6


def layouts(found: Iterable[Standard]) -> Table:
    """``list``: one line a standard."""
    rows = [summary(layout) for layout in found]
    table = Table(*rows[0])
    for values in rows:
        table.add_row(*(str(value) for value in values.values()))
    return table


def items(layout: Standard) -> Table:
    """``show``: one line an item, without the columns that this layout does not use."""
    rows = [
        cells(one.field) | {"record": one.record, "offset": "" if one.offset is None else str(one.offset)}
        for placed in records(layout.tables).values()
        for one in placed
    ]
    used = [column for column in rows[0] if any(values[column] for values in rows)]
    table = Table(*used, title=layout.title)
    for values in rows:
        table.add_row(*(values[column] for column in used))
    return table


def losses(layout: Standard, found: Iterable[Loss]) -> Table:
    """``show --loss``: what does not arrive as it may be filed."""
    table = Table("loss", "items", "filed", "arrives", "why", title=f"What {layout.name} cannot carry")
    for loss in found:
        table.add_row(loss.kind, _some(loss.items or loss.leaves), loss.ours, loss.theirs, loss.why)
    return table


def _some(names: tuple[str, ...]) -> str:
    left = len(names) - SHOWN
    return "、".join(names[:SHOWN]) + (f" and {left} more" if left > 0 else "")


def differences(found: Comparison) -> Table:
    """``diff``: one line a difference."""
    table = Table("what", "where", found.a, found.b, title=f"{found.a} → {found.b}")
    for what, where, pair in _differences(found):
        table.add_row(what, where, _text(pair.a), _text(pair.b))
    return table


def _differences(found: Comparison) -> Iterator[tuple[str, str, Pair]]:
    for name, pair in found.head.items():
        yield "standard.toml", name, pair
    for name in found.dropped:
        yield "dropped", name, Pair(name, "")
    for name in found.added:
        yield "added", name, Pair("", name)
    for moved in found.moved:
        yield "moved", moved.item, Pair(f"after {moved.after.a or '-'}", f"after {moved.after.b or '-'}")
    for changed in found.changed:
        for column, pair in changed.columns.items():
            yield "changed", f"{changed.item}: {column}", pair
    for table in found.codes:
        for ours, pair in table.rows.items():
            yield "code", f"{table.table}: {ours}", pair
    for leaf, pair in found.omits.items():
        yield "omits", leaf, pair


def _text(value: Any) -> str:
    return "" if value is None or value is False else str(value)


def matches(found: Draft) -> Table:
    """``new``: what each item was taken for."""
    table = Table(
        "item", "source", "convert", "codes", "found", "look at", title=f"{found.file}: {found.sniffed.told()}"
    )
    for line in found.rows:
        field = line.field
        table.add_row(field.name, field.source, field.convert, field.codes, line.how, line.doubt)
    return table
