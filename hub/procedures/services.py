"""What can be done with tasks: bring them in line with the rules, hand over, settle. Every door calls only these."""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection
from django.utils import timezone

from hub import actors
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.procedures import signals, tables, writing
from hub.procedures.conditions import HOUSEHOLD, NO, YES, Answers, Move
from hub.procedures.evaluation import Finding, Local, Locals, Verdict, evaluate
from hub.procedures.models import AnswerSheet, LocalRule, Step, Task
from hub.procedures.states import OPEN, SETTLED, Asks, Reason, State
from hub.rows import Reader
from hub.vault import cipher
from hub.vault import services as vault
from municipalities.opening import Opening
from municipalities.openings import openings


@dataclass(frozen=True, slots=True)
class Case:
    """One relocation as the procedures see it."""

    relocation_id: UUID
    receipt_no: str
    owner: str
    move: Move
    key: bytes
    #: Gates that are open, by mover.
    gates: Mapping[int, frozenset[str]]
    #: Movers whose move has come to nothing (withdrawn, cancelled, died): their tasks are superseded.
    gone: frozenset[int]
    #: What was answered later is kept and does not count.
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What the towns must be told: tasks that opened, and tasks they were told of that no longer stand."""

    opened: tuple[Task, ...]
    cancelled: tuple[Task, ...]


TASKS = Reader(Task, "WHERE relocation_id = %s ORDER BY rule, ordinal, generation")


def update(case: Case, tell: Callable[[Changed], None]) -> None:
    """Bring the tasks in line with the rules: add, revise, open, supersede. Repeating it changes nothing.

    ``tell`` is called when towns are to be told, before what opens is written: the deliveries that it notes in tasks
    are written along. Nothing is written before a first gate has opened. Runs inside the caller's transaction as the
    hub, which holds the relocation's lock.
    """
    existing = TASKS(case.relocation_id)
    if not existing and not any(case.gates.values()):
        return
    found = _wanted(case)
    towns = openings({one.municipality for one in found.values()})
    live = {(task.rule, task.ordinal): task for task in existing if task.state != State.SUPERSEDED}
    generations: dict[tuple[str, int], int] = defaultdict(int)
    for task in existing:
        generations[task.rule, task.ordinal] = task.generation
    ended = [task for key, task in live.items() if _stale(task, found.get(key))]
    cancelled = [task for task in ended if task.delivery_id is not None and task.state in OPEN]
    writing.go(ended, State.SUPERSEDED)
    standing = {key: task for key, task in live.items() if task not in ended}
    made = [
        _make(case, one, towns[one.municipality], generations[key] + 1)
        for key, one in found.items()
        if key not in standing
    ]
    writing.add(made)
    _revise(
        (task, found[key], towns[found[key].municipality])
        for key, task in standing.items()
        if task.state == State.PENDING and key in found
    )
    ready = [task for task in [*standing.values(), *made] if _opens(task, case)]
    if ready or cancelled:
        tell(Changed(tuple(ready), tuple(cancelled)))
    writing.go(ready, State.READY)


TO_FOLLOW = """
SELECT EXISTS (
    SELECT FROM procedures_task AS task
     WHERE task.relocation_id = %(relocation)s
       AND ((task.state = 'PENDING' AND task.asks = ''
             AND (task.ordinal, task.gate) IN (SELECT * FROM unnest(%(ordinals)s::int[], %(gates)s::varchar[])))
            OR (task.state <> 'SUPERSEDED' AND task.ordinal = ANY(%(gone)s::int[]))))
"""


def has_to_follow(relocation_id: UUID, gates: Mapping[int, frozenset[str]], gone: frozenset[int]) -> bool:
    """Tell whether a task waits for one of these gates, or stands for somebody whose move has come to nothing."""
    pairs = [(ordinal, gate) for ordinal, open_ in gates.items() for gate in sorted(open_)]
    parameters: dict[str, Any] = {
        "relocation": relocation_id,
        "ordinals": [ordinal for ordinal, _ in pairs],
        "gates": [gate for _, gate in pairs],
        "gone": sorted(gone),
    }
    with connection.cursor() as cursor:
        cursor.execute(TO_FOLLOW, parameters)
        return bool(cursor.fetchone()[0])


OWED = """
SELECT EXISTS (
    SELECT FROM procedures_task AS task
     WHERE task.relocation_id = %(relocation)s AND task.state = ANY(%(open)s::varchar[])
       AND (task.rule, task.rule_version) IN (SELECT * FROM unnest(%(rules)s::varchar[], %(versions)s::int[])))
"""


def is_owed(relocation_id: UUID) -> bool:
    """Tell whether a procedure that the law orders (``duty`` in ``procedures.csv``) has not come to its end."""
    rules, versions = zip(*tables.duties(), strict=True)
    parameters: dict[str, Any] = {
        "relocation": relocation_id,
        "open": [state.value for state in OPEN],
        "rules": list(rules),
        "versions": list(versions),
    }
    with connection.cursor() as cursor:
        cursor.execute(OWED, parameters)
        return bool(cursor.fetchone()[0])


def findings(
    relocation_id: UUID, move: Move, key: bytes, gone: frozenset[int], until: datetime | None = None
) -> list[Finding]:
    """Return everything a move brings or may bring, with what was answered and what the towns set otherwise."""
    local = local_rules({code for person in move.persons for code in (person.origin, person.destination) if code})
    found = evaluate(move, answers_of(relocation_id, key, until), local)
    return [one for one in found if one.ordinal not in gone]


def _wanted(case: Case) -> dict[tuple[str, int], Finding]:
    """Return the findings that lead to a task, by rule and mover."""
    return {
        (one.rule.name, one.ordinal): one
        for one in findings(case.relocation_id, case.move, case.key, case.gone, case.until)
        if one.rule.kind == "task" and one.verdict is not Verdict.ASK
    }


def _stale(task: Task, finding: Finding | None) -> bool:
    """Tell whether the task no longer stands; one that nobody was told of yet is revised instead."""
    if finding is None or task.municipality_id != finding.municipality:
        return True
    return task.state != State.PENDING and bytes(task.inputs) != mark(finding)


def mark(finding: Finding) -> bytes:
    """Return a keyed hash of what the rule read: equal inputs are recognised, and cannot be guessed from it."""
    return hmac.new(settings.HUB_AUDIT_KEY.encode(), finding.inputs.encode(), hashlib.sha256).digest()


def _make(case: Case, finding: Finding, opening: Opening, generation: int) -> Task:
    task = Task(
        relocation_id=case.relocation_id,
        receipt_no=case.receipt_no,
        owner=case.owner,
        side=finding.rule.side,
        ordinal=finding.ordinal,
        rule=finding.rule.name,
        procedure=finding.rule.procedure,
        generation=generation,
    )
    _fill(task, finding, opening)
    return task


def _fill(task: Task, finding: Finding, opening: Opening) -> None:
    task.municipality_id = finding.municipality
    task.rule_version, task.gate = finding.rule.version, finding.rule.gate
    task.department = finding.local.department or finding.rule.department
    task.due_on = finding.due_on(opening)
    task.opens_on = finding.on if finding.rule.gate in tables.by_day() else None
    task.asks = Asks.BIRTH if finding.verdict is Verdict.CLERK else Asks.NOTHING
    task.inputs = mark(finding)


def _revise(found: Iterable[tuple[Task, Finding, Opening]]) -> None:
    """Bring tasks up to date that no town was told of; what a clerk decided stands while its inputs stand."""
    now, revised = timezone.now(), []
    for task, finding, opening in found:
        if bytes(task.inputs) != mark(finding):
            _fill(task, finding, opening)
            task.changed_at = now
            revised.append(task)
    if not revised:
        return
    writing.revise(revised, now)


def _opens(task: Task, case: Case) -> bool:
    gates = case.gates.get(task.ordinal, frozenset())
    return task.state == State.PENDING and not task.asks and task.gate in gates


def in_force(relocation_id: UUID) -> dict[tuple[str, int], Task]:
    """Return the tasks that were not superseded, by rule and mover."""
    rows = Task.objects.filter(relocation_id=relocation_id).exclude(state=State.SUPERSEDED)
    return {(task.rule, task.ordinal): task for task in rows}


LOCAL_RULES = Reader(
    LocalRule, "WHERE municipality_id = ANY(%s) AND valid_from <= %s AND (valid_to IS NULL OR valid_to >= %s)"
)


def local_rules(codes: set[str]) -> Locals:
    """Return what these towns set otherwise today."""
    today = timezone.localdate()
    rows = LOCAL_RULES(sorted(codes), today, today)
    return {
        (row.municipality_id, row.rule): Local(row.offered, row.department, row.days, row.age_limit, row.note)
        for row in rows
    }


def open_by_day(most: int = 500) -> int:
    """Let every relocation go on of which a task opens because its day has come; returns how many relocations.

    What is due by a day is a row: losing a run loses nothing, repeating it adds nothing.
    """
    due = Task.objects.filter(state=State.PENDING, asks=Asks.NOTHING, opens_on__lte=timezone.localdate())
    with actors.acting(actors.HUB):
        found = list(due.values_list("relocation_id", flat=True).order_by("opens_on").distinct()[:most])
    for relocation_id in found:
        signals.decided.send(sender=Task, relocation_id=relocation_id)
    return len(found)


def rename(case: Case, code: str, successor: str) -> list[Task]:
    """Give the tasks of a municipality of the past to its successor; returns those whose notice never left.

    That another code stands for the same town re-opens nothing, though the rule read it.
    """
    found = _wanted(case)
    ours = list(
        Task.objects.filter(relocation_id=case.relocation_id, municipality=code).exclude(state=State.SUPERSEDED)
    )
    for task in ours:
        task.municipality_id, task.changed_at = successor, timezone.now()
        if (task.rule, task.ordinal) in found:
            task.inputs = mark(found[task.rule, task.ordinal])
        task.save(update_fields=["municipality", "inputs", "changed_at"])
    kind, note = actors.current().kind, f"succeeded by {successor}"
    Step.objects.bulk_create(
        Step(task=task, state=task.state, reason=task.reason, note=note, actor_kind=kind) for task in ours
    )
    return [task for task in ours if task.state == State.READY]


# --- Answers ---------------------------------------------------------------------------------------------------

_answers = msgspec.json.Decoder(dict[str, str])


LAST_SHEET = Reader(
    AnswerSheet,
    "WHERE relocation_id = %s AND created_at <= coalesce(%s::timestamptz, 'infinity') ORDER BY number DESC LIMIT 1",
)


def last_sheet(relocation_id: UUID, until: datetime | None = None) -> AnswerSheet | None:
    """Return the last answers, or those that were the last at a moment."""
    return LAST_SHEET.first(relocation_id, until)


def answers_of(relocation_id: UUID, key: bytes, until: datetime | None = None) -> Answers:
    """Unseal what was answered, by a moment if one is named; empty when nothing was."""
    sheet = last_sheet(relocation_id, until)
    if sheet is None:
        return {}
    found = _answers.decode(cipher.unseal(key, bytes(sheet.body), sheet.identity))
    return {(int(number), question): value for name, value in found.items() for number, question in [name.split(".")]}


def answer(relocation_id: UUID, owner: str, given: Answers, key: bytes | None = None) -> bool:
    """Keep what a citizen answered, beside what was answered before; tells whether anything is new.

    Raises ``Refusal`` E104 for a question that does not exist or an answer that is neither yes nor no. The caller
    holds the relocation's lock, has made sure whose it is, and recomputes afterwards.
    """
    for (number, question), value in given.items():
        known = tables.questions().get(question)
        if known is None or value not in (YES, NO) or (known.scope == "household") != (number == HOUSEHOLD):
            raise refuse("E104", f"/answers/{number}/{question}")
    key = key or vault.open_one(relocation_id)
    before = answers_of(relocation_id, key)
    after = {**before, **given}
    if after == before:
        return False
    last = last_sheet(relocation_id)
    sheet = AnswerSheet(relocation_id=relocation_id, owner=owner, number=last.number + 1 if last else 1)
    body = {f"{number}.{question}": value for (number, question), value in sorted(after.items())}
    sheet.body = cipher.seal(key, msgspec.json.encode(body), sheet.identity)
    sheet.save(force_insert=True)
    return True


# --- Handed over and settled -----------------------------------------------------------------------------------


def follow(deliveries: Iterable[tuple[UUID, UUID, str, Sequence[int], str, str]], **_: Any) -> None:
    """Note the tasks of deliveries that were handed over (``deliveries.signals.sent``)."""
    opened = [delivery for delivery, _relocation, type_, *_rest in deliveries if type_ == "task.opened"]
    if opened:
        writing.go(list(Task.objects.select_for_update().filter(delivery_id__in=opened, state=State.READY)), State.SENT)


#: What a department reports (message 41) leads to: state and reason.
RESULTS: Mapping[str, tuple[State, Reason]] = {
    "DONE": (State.DONE, Reason.NONE),
    "NEEDS_VISIT": (State.SENT, Reason.NEEDS_VISIT),
    "NOT_APPLICABLE": (State.NOT_NEEDED, Reason.NOT_APPLICABLE),
}


def of_delivery(delivery_id: UUID, municipality: str) -> list[Task]:
    """Return the tasks that a delivery of this town opened."""
    return list(Task.objects.filter(delivery_id=delivery_id, municipality=municipality).order_by("ordinal"))


def take_result(tasks: Sequence[Task], outcome: str) -> None:
    """Take a department's result (message 41); what is settled already stands, the same again is the same.

    Raises ``Refusal`` E102 for an unknown outcome, E201 for tasks that were superseded.
    """
    if outcome not in RESULTS:
        raise refuse("E102", "/outcome", f"One of {', '.join(RESULTS)}.")
    found = list(Task.objects.select_for_update().filter(pk__in=[task.pk for task in tasks]).order_by("pk"))
    if any(task.state == State.SUPERSEDED for task in found):
        raise refuse("E201", "/delivery", "The task was cancelled (message 42).")
    state, reason = RESULTS[outcome]
    open_ = [task for task in found if task.state in (State.READY, State.SENT)]
    writing.go([task for task in open_ if task.state == State.READY], State.SENT)  # the answer proves that it arrived
    writing.go([task for task in open_ if (task.state, task.reason) != (state, reason)], state, reason)


def settle(task_id: UUID, municipality: str, state: State, reason: Reason = Reason.NONE) -> Task:
    """Settle a task at the desk; E108 when the town has none, E200 when it is not open, E310 without its reason."""
    if state not in SETTLED or (state == State.DECLINED and not reason):
        raise refuse("E310", "/reason")
    task = _ours(task_id, municipality, "task.settled", state=state.value)
    if task.state not in OPEN or (state == State.DONE and task.state == State.PENDING):
        raise refuse("E200", detail=f"The task is {task.state}.")
    writing.go([task], state, reason)
    signals.settled.send(sender=Task, relocation_id=task.relocation_id)
    return task


def applies(task_id: UUID, municipality: str) -> Task:
    """Say that a rule applies though the date of birth is uncertain: the task goes on; E200 if nothing is asked."""
    task = _ours(task_id, municipality, "task.applies")
    if task.state != State.PENDING or not task.asks:
        raise refuse("E200", detail=f"The task is {task.state}.")
    task.asks, task.changed_at, task.opened_at = Asks.NOTHING, timezone.now(), timezone.now()
    task.save(update_fields=["asks", "changed_at", "opened_at"])
    note = "applies"
    Step.objects.create(task=task, state=task.state, reason=task.reason, note=note, actor_kind=actors.current().kind)
    signals.decided.send(sender=Task, relocation_id=task.relocation_id)
    return task


def _ours(task_id: UUID, municipality: str, action: str, **detail: str) -> Task:
    """Lock a task of this town. The relocation and the audit chain are locked first, as where the journey meets it."""
    seen = Task.objects.filter(pk=task_id, municipality=municipality).first()
    if seen is None:
        raise refuse("E108")
    signals.deciding.send(sender=Task, relocation_id=seen.relocation_id)
    audit.record(audit.Act(action, f"task:{task_id}", dict(detail), seen.relocation_id))
    return Task.objects.select_for_update().get(pk=task_id)
