"""Follow-on procedures of one relocation: what the rules are asked about it, and what departments are told (40–42).

Follows the journey: whenever a relocation was worked out anew, the tasks are brought in line with it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.ids import uuid7
from hub.procedures import documents, tables, writing
from hub.procedures import services as procedures
from hub.procedures.conditions import Move, Person
from hub.procedures.evaluation import Finding, Verdict
from hub.procedures.models import Task
from hub.procedures.states import State
from hub.relocations import facts, journey, legs, notices, services
from hub.relocations.filing import Document, Filing
from hub.relocations.models import Guard, Relocation
from hub.relocations.services import Opened
from hub.rows import Reader
from municipalities import standard
from municipalities.models import Connection
from municipalities.notice import Coverage, Kind, Mover, Notice, Role
from municipalities.notice import Task as Asked
from municipalities.opening import Opening
from municipalities.openings import openings

#: States of the legs by role, municipality and mover.
States = Mapping[tuple[Role, str, int], str]
#: A leg that is nobody's any more: the mover appeared elsewhere.
DIVERTED = "DIVERTED"


def follow(
    relocation: Relocation, rows: facts.Rows, states: States, unsealed: Opened, before: States | None = None
) -> None:
    """Bring the tasks in line with the journey and tell the departments; repeating it adds nothing.

    Cheap where nothing is to be done: before a first gate has opened the filing is not even unsealed, and where only
    states changed (from ``before``) the rules are asked again only when a gate or the towns changed with them, or when
    a hand-over since the last time opened a gate that tasks wait for.
    """
    leaving = relocation.planned_out_on
    gates, gone = gates_of(states, leaving), gone_of(states)
    if not any(gates.values()):
        return
    if before is not None:
        same = (gates, gone, _places(states)) == (gates_of(before, leaving), gone_of(before), _places(before))
        if same and not procedures.has_to_follow(relocation.pk, gates, gone):
            return
    case = _case(relocation, rows, states, unsealed)
    procedures.update(case, lambda changed: _tell(relocation, rows, unsealed, case.move, changed))


def _case(relocation: Relocation, rows: facts.Rows, states: States, opened: Opened) -> procedures.Case:
    leaving = {mover.ordinal: mover.leaves_on for mover in opened.filing.movers}
    return procedures.Case(
        relocation.pk,
        relocation.receipt_no,
        relocation.owner,
        move_of(opened.filing, states, rows, opened.key),
        opened.key,
        gates_of(states, relocation.planned_out_on, leaving),
        gone_of(states),
        relocation.frozen_at,
    )


def _places(states: States) -> set[tuple[Role, str, int]]:
    """Return the legs that count for where somebody goes."""
    return {leg for leg, state in states.items() if state != DIVERTED}


def succeed(relocation: Relocation, code: str, successor: str) -> None:
    """Give the tasks of a municipality of the past to its successor, and tell it those whose notice had not left."""
    opened, rows = services.opened(relocation), facts.read(relocation)
    states: States = {(Role(row.role), row.municipality_id, row.ordinal): row.state for row in rows.movers}
    case = _case(relocation, rows, states, opened)
    untold = procedures.rename(case, code, successor)
    if untold:
        _tell(relocation, rows, opened, case.move, procedures.Changed(tuple(untold), ()))
        writing.told(untold)


def gates_of(
    states: States,
    leaving: date | None,
    by_mover: Mapping[int, date | None] | None = None,
    today: date | None = None,
) -> dict[int, frozenset[str]]:
    """Return the gates that are open, by mover; ``by_mover`` are days of leaving other than the filing's."""
    today, found = today or timezone.localdate(), defaultdict[int, set[str]](set)
    for (role, _code, ordinal), state in states.items():
        for gate, by_day in tables.gates().get((role.value, state), {}).items():
            day = (by_mover or {}).get(ordinal) or leaving
            if gate != tables.GONE and (not by_day or (day is not None and day <= today)):
                found[ordinal].add(gate)
    return {ordinal: frozenset(gates) for ordinal, gates in found.items()}


def gone_of(states: States) -> frozenset[int]:
    """Return the movers whose move has come to nothing; it may end elsewhere than where it was cancelled."""
    gone = {leg for leg, state in states.items() if tables.GONE in tables.gates().get((leg[0].value, state), {})}
    goes_on = {
        (role, ordinal)
        for (role, code, ordinal), state in states.items()
        if role is Role.DESTINATION and state not in journey.ELSEWHERE and (role, code, ordinal) not in gone
    }
    return frozenset(ordinal for role, _code, ordinal in gone if (role, ordinal) not in goes_on)


def arrivals(rows: facts.Rows, key: bytes) -> dict[int, date]:
    """Return the day of moving in as the destination registered it, by mover."""
    ordinals = {mover.ordinal for mover in rows.movers}
    days = {one: facts.legal_date(facts.last_report(rows, ["movein.decided"], [one]), key) for one in ordinals}
    return {ordinal: day for ordinal, day in days.items() if day is not None}


def move_of(filing: Filing, states: States, rows: facts.Rows, key: bytes) -> Move:
    """Return what the rules read of a filing: days as they came about, towns as they stand."""
    arrived, lapsed = arrivals(rows, key), facts.lapsed(rows, filing.flow)
    towns = {(role, ordinal): code for (role, code, ordinal), state in states.items() if state != DIVERTED}
    persons = tuple(
        Person(
            ordinal=mover.ordinal,
            birth=mover.date_of_birth,
            nationality=mover.nationality,
            coverage=mover.coverage,
            presents_card=mover.presents_card,
            leaves_on=None if filing.kind is Kind.OVERSEAS_IN else mover.leaves_on or filing.planned_out_on,
            arrives_on=arrived.get(mover.ordinal, mover.arrives_on or filing.living_from),
            origin=towns.get((Role.ORIGIN, mover.ordinal), ""),
            destination=towns.get((Role.DESTINATION, mover.ordinal), ""),
            card_lapsed=mover.ordinal in lapsed,
        )
        for mover in filing.movers
    )
    return Move(filing.kind, filing.scope, persons)


# --- What departments are told -----------------------------------------------------------------------------------


def _tell(relocation: Relocation, rows: facts.Rows, opened: Opened, move: Move, changed: procedures.Changed) -> None:
    """Queue one notice per procedure, department and day, for all its movers; cancellations follow what they cancel."""
    told = []
    numbers = _numbers(rows.deliveries)
    case = _what_to_tell(relocation, rows, opened, {person.ordinal: person.arrives_on for person in move.persons})
    for tasks in _together(_carried(changed.opened), case.document):
        notice = _notice(case, "task.opened", tasks)
        told.append(_queued(notice, relocation, numbers, opened.key))
        for task in tasks:
            task.delivery_id = UUID(notice.notice_id)
    for tasks in _together(changed.cancelled):
        notice = _notice(case, "task.cancelled", tasks, refers_to=str(tasks[0].delivery_id))
        told.append(_queued(notice, relocation, numbers, opened.key))
    if told:
        rows.deliveries.extend(deliveries.queue(told, facts.last_sequences(rows), facts.moment(rows)))


CONNECTED = Reader(
    Connection,
    "WHERE municipality_id = ANY(%s) AND (valid_from IS NULL OR valid_from <= %s)"
    " AND (valid_to IS NULL OR valid_to >= %s)",
)


def _carried(tasks: Iterable[Task]) -> list[Task]:
    """Return the tasks whose town's layout has items for tasks; the others wait at the desk alone.

    A record that cannot say which procedure it is about would tell a department nothing but a name.
    """
    found = list(tasks)
    if not found:
        return []
    today, codes = timezone.localdate(), {task.municipality_id for task in found}
    rows = CONNECTED(sorted(codes), today, today)
    able = {row.municipality_id for row in rows if "task" not in standard.load(row.standard).omits}
    return [task for task in found if task.municipality_id in able]


def _together(tasks: Iterable[Task], document: Document | None = None) -> list[list[Task]]:
    """Group what one notice says: the same rule, department, day and address; of a cancellation the same delivery."""
    found = defaultdict[tuple[Any, ...], list[Task]](list)
    for task in tasks:
        key = (task.rule, task.rule_version, task.municipality_id, task.department, task.due_on, task.delivery_id)
        found[*key, document and document.address_of(task.ordinal)].append(task)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Case:
    """What notices to departments are written from."""

    relocation: Relocation
    document: Document
    arrived: Mapping[int, date | None]  #: day of moving in, by mover
    #: Whom to ask about a protected person, by municipality that handles it so.
    offices: Mapping[str, str]
    #: What the origin handed over for the procedures.
    documents: documents.Documents


def _what_to_tell(
    relocation: Relocation, rows: facts.Rows, opened: Opened, arrived: Mapping[int, date | None]
) -> _Case:
    handed = any(report.type == "moveout.transfer_docs" for report in rows.reports)
    return _Case(
        relocation,
        opened.document,
        arrived,
        {leg.municipality_id: leg.contact_office for leg in legs.of(rows.movers) if leg.guard != Guard.NONE},
        documents.known(relocation.pk, opened.key) if handed else {},
    )


def hand_on(relocation: Relocation, rows: facts.Rows, opened: Opened, given: documents.Documents) -> None:
    """Keep the papers of the origin (message 16), and tell the departments that were told of their task before."""
    new = documents.keep(relocation.pk, given, opened.key)
    told = [
        task
        for task in procedures.in_force(relocation.pk).values()
        if task.side == Role.DESTINATION.value
        and (task.procedure, task.ordinal) in new
        and task.delivery_id is not None
        and task.state in (State.READY, State.SENT)
    ]
    if not told:
        return
    case, numbers = _what_to_tell(relocation, rows, opened, {}), _numbers(rows.deliveries)
    found = [
        _queued(
            _notice(case, "moveout.transfer_docs", tasks, str(tasks[0].delivery_id)), relocation, numbers, opened.key
        )
        for tasks in _together(told)
    ]
    rows.deliveries.extend(deliveries.queue(found, facts.last_sequences(rows), facts.moment(rows)))


def _notice(case: _Case, type_: str, tasks: Sequence[Task], refers_to: str = "") -> Notice:
    """Return what the department may know: its own task and scheme, and the address on its own side."""
    relocation, task, rule = case.relocation, tasks[0], tasks[0].definition
    filing, ordinals = case.document.at(task.ordinal), {one.ordinal for one in tasks}
    department = tables.departments().get(task.department)
    arrived = {case.arrived.get(ordinal) for ordinal in ordinals}
    movers = tuple(own_scheme(mover, rule) for mover in filing.movers if mover.ordinal in ordinals)
    whole = Notice(
        notice_id=str(uuid7()),
        type=type_,
        receipt_no=relocation.receipt_no,
        version=relocation.version,
        recipient=task.municipality_id,
        role=Role(task.side),
        kind=filing.kind,
        filed_on=relocation.filed_on,
        planned_out_on=filing.planned_out_on,
        living_from=filing.living_from,
        actual_in_on=arrived.pop() if len(arrived) == 1 else None,
        contact_office=case.offices.get(task.municipality_id, ""),
        origin=filing.origin,
        destination=task.municipality_id if task.side == Role.DESTINATION.value else filing.destination,
        old_address=filing.old_address,
        new_address=filing.new_address,
        task=Asked(
            procedure=rule.procedure,
            title=rule.title.ja,
            department=department.ja if department else task.department,
            due_on=task.due_on,
            documents="" if type_ == "task.cancelled" else documents.in_words(case.documents, tasks),
        ),
        refers_to=refers_to,
        person_count=len(movers),
        movers=movers,
    )
    return notices.disclose(whole)


def own_scheme(mover: Mover, rule: tables.Rule) -> Mover:
    """Leave of the coverage what the rule itself reads: a department is told of its own scheme only."""
    if mover.coverage is None:
        return mover
    fields = {one.argument for group in rule.needs for one in group if one.kind == "coverage"}
    if any(one.kind == "pension_first" for group in rule.needs for one in group):
        fields.add("pension")
    own = Coverage(**{name: getattr(mover.coverage, name) for name in fields}) if fields else None
    return msgspec.structs.replace(mover, coverage=own)


def _numbers(before: Iterable[Delivery]) -> dict[tuple[str, str, str], "count[int]"]:
    """Return, by type, role and municipality, the numbers for the next notices of their kind."""
    last = defaultdict[tuple[str, str, str], int](int)
    for row in before:
        kind = (row.type, row.role, row.municipality_id)
        last[kind] = max(last[kind], row.part)
    return {kind: count(number + 1) for kind, number in last.items()}


def _queued(
    notice: Notice, relocation: Relocation, numbers: dict[tuple[str, str, str], "count[int]"], key: bytes
) -> deliveries.Told:
    kind = (notice.type, notice.role.value, notice.recipient)
    return deliveries.Told(relocation.pk, notice, next(numbers.setdefault(kind, count(1))), key)


# --- For the doors -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """One procedure of one mover as it stands: what the rule says, its task if there is one, the last day."""

    finding: Finding
    task: Task | None
    due_on: date | None

    @property
    def state(self) -> str:
        """The task's state; before there is one, or a clerk has decided, what the rule says: due, ask, clerk."""
        waits = self.task is not None and self.task.state == State.PENDING and self.finding.verdict is Verdict.CLERK
        return self.task.state if self.task and not waits else self.finding.verdict.value


def listed(relocation: Relocation, opened: Opened) -> list[Listed]:
    """Return everything the move brings or may bring, as things stand; the caller has made sure who may see it."""
    with acting(HUB):  # local rules and reports of towns are no citizen's rows; what follows from them is
        rows = facts.read(relocation)
        states = facts.states(rows)
        move = move_of(opened.filing, states, rows, opened.key)
        found = procedures.findings(relocation.pk, move, opened.key, gone_of(states))
        tasks = procedures.in_force(relocation.pk)
        calendars = openings({one.municipality for one in found if one.municipality})
    return [
        Listed(
            one,
            task := tasks.get((one.rule.name, one.ordinal)),
            task.due_on if task else one.due_on(calendars.get(one.municipality, Opening())),
        )
        for one in found
    ]


def decided(relocation_id: UUID, **_: Any) -> None:
    """Let a relocation go on after a clerk or a day decided about one of its tasks."""
    with acting(HUB):
        services.advance(relocation_id)


def deciding(relocation_id: UUID, **_: Any) -> None:
    """Lock a relocation before a clerk decides about one of its tasks."""
    with acting(HUB):
        services.lock(relocation_id)


def settled(relocation_id: UUID, **_: Any) -> None:
    """Let the state of a relocation follow after a clerk ended one of its tasks; nothing is unsealed for it."""
    with acting(HUB):
        relocation = services.lock(relocation_id)
        if journey.travel(facts.situation(relocation, facts.read(relocation))).state == journey.SETTLED:
            services.follow_tasks(relocation)


def went_on(
    relocation: Relocation, rows: facts.Rows, journey: Any, unsealed: Opened, before: States | None, **_: Any
) -> None:
    """Listen to the journey."""
    follow(relocation, rows, journey.states, unsealed, before)
