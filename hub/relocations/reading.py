"""The tables of the journey as a page to read: state diagrams in Mermaid, the catalogue in Markdown.

Made from the tables alone, so that what is read cannot differ from what is done.
"""

from collections.abc import Callable, Iterator

from hub.relocations import clocks, tables
from municipalities.notice import Role


def diagram() -> str:
    """Return a Mermaid state diagram of every role's leg; steps of the same two states are one arrow."""
    return "\n".join(line for role in tables.START for line in _machine(role))


def _machine(role: Role) -> Iterator[str]:
    arrows: dict[tuple[str, str], list[str]] = {}
    for step in tables.leg_steps():
        if step.role is role and step.start != step.end:
            arrows.setdefault((step.start, step.end), []).append(f"{step.on} {step.outcome}".strip())
    yield f"## {role.value}\n\n```mermaid\nstateDiagram-v2"
    yield f"    [*] --> {tables.START[role]}"
    for (start, end), said in arrows.items():
        yield f"    {start} --> {end}: {', '.join(said)}"
    for state in sorted({end for _, end in arrows} - {start for start, _ in arrows}):
        yield f"    {state} --> [*]"
    yield "```\n"


def table() -> str:
    """Return the catalogue of messages, the kinds of move, the filing's states and the clocks as Markdown tables."""
    return "\n".join([*_messages(), "", *_kinds(), "", *_states(), "", *_clocks()])


def _messages() -> Iterator[str]:
    yield from _head("no", "type", "from → to", "legal", "only after", "while", "changes", "purpose")
    for row in tables.messages():
        gate = tables.gate(row.type, row.role, notice=row.payload == "Notice") if row.role else ()
        needs = " and ".join(" or ".join(f"{need.type} {need.outcome}".strip() for need in group) for group in gate)
        way = f"{row.sender} → {row.recipient}"
        yield _line(row.no, row.type, way, row.legal, needs, ", ".join(sorted(row.states)), row.changes, row.purpose)


def _kinds() -> Iterator[str]:
    yield from _head("kind", "leg", "movers", "not at", "done", "flows")
    for kind, parts in tables.kinds().items():
        for part in parts:
            flows = ", ".join(sorted(tables.flows(kind)))
            yield _line(kind.value, part.role.value, part.movers, part.not_at, ", ".join(sorted(part.done)), flows)


def _states() -> Iterator[str]:
    yield from _head("filing", "kept as", "condition", "source")
    for row in tables.rows("filing_states.csv"):
        yield _line(row["state"], row["kept_as"], row["condition"], row["source"])


def _clocks() -> Iterator[str]:
    yield from _head("clock", "from", "days", "rolls", "met by", "fires", "alert", "source")
    for row in clocks.table().values():
        rolls, met_by = "yes" if row.rolls else "", " ".join(row.met_by or ()).strip()
        yield _line(row.clock, row.starts, str(row.days), rolls, met_by, row.fires, row.alert, row.source)


def _head(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield _line(*("---" for _ in names))


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


#: What ``manage.py journey`` prints.
PAGES: dict[str, Callable[[], str]] = {"diagram": diagram, "table": table}
