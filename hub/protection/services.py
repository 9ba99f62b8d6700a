"""Set, confirm, extend and end a measure; guard the filings of protected persons; release to two clerks.

What guards a filing is ``Leg.guard``: row-level security hides the filing from every clerk without the duty, in every
town concerned, and keeps its key from those with the duty until a second one has released it. Acts are written to the
audit under the measure's number, never under the filing's, so that no list of acts says who is protected.

A measure stays under the code of the town that set it; once that has merged, the clerks of its successor act on it.
Where the area was divided nobody can tell whose it is: it protects on, and a successor sets its own.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.consents import services as consents
from hub.duplicates.models import Mark
from hub.ids import is_receipt_no
from hub.protection import expiring
from hub.protection.models import Act, ContactWish, Guarded, Measure, Release, State
from hub.relocations import facts, frozen, heirs, people, services
from hub.relocations.filing import Filing
from hub.relocations.models import Guard, Leg, Relocation
from hub.relocations.reported import ReportBody
from hub.rows import Reader
from hub.vault import services as vault
from hub.vault.services import ShreddedError
from municipalities.models import predecessors
from municipalities.notice import Mover, Role

#: How long a released filing can be seen by the clerk who asked.
SEEN_FOR = timedelta(minutes=30)
Filed = tuple[Relocation, int]


#: Roles of the towns whose residents the movers are, or become.
LIVED = (Role.ORIGIN, Role.DESTINATION)
IN_FORCE = Reader(Measure, f"WHERE mark = ANY(%s::bytea[]) AND state <> '{State.ENDED.value}'")


def guard(relocation: Relocation, filing: Filing, legs: Iterable[Leg], **_: Any) -> None:
    """Guard a filing that names a protected person, before anybody is told of it (receiver of ``signals.stored``).

    Every filing is looked at in the same way, so that nobody can tell from the time it takes. What a municipality set
    that has merged since protects on, and what one set where somebody appears who planned to go elsewhere.
    """
    legs = list(legs)
    towns = dict.fromkeys(leg.municipality_id for leg in legs if leg.role in LIVED)
    known = predecessors(towns, timezone.localdate())
    marks = {mark: number for (_town, number), mark in people.marks_at(known, filing).items()}
    for measure in IN_FORCE(list(marks)):
        guard_filing(measure, relocation, marks[bytes(measure.mark)], legs, filing)
    if filing.counsel_wanted:
        town = people.keeper_now(relocation)
        ContactWish.objects.get_or_create(relocation=relocation, defaults={"municipality_id": town})


def guard_again(relocation: Relocation, filing: Filing, **_: Any) -> None:
    """Guard a filing that names a protected person only now that a town corrected it (``signals.corrected``)."""
    guard(relocation, filing, relocation.legs.all())


def guard_where_they_appear(relocation: Relocation, report: ReportBody, **_: Any) -> None:
    """Guard a filing by the measures of a town where somebody appears (27), before that is written down.

    Receiver of ``signals.reporting``: the filer is shown nothing of it.
    """
    if report.type == "arrival.diverted":
        guard(relocation, services.filing_of(relocation), relocation.legs.all())


def guard_filing(
    measure: Measure, relocation: Relocation, ordinal: int, legs: Iterable[Leg], filing: Filing | None = None
) -> None:
    """Put a filing under a measure for one of its movers; ``filing``: its document, where it is at hand."""
    _guard(measure, relocation, ordinal, legs)
    _freeze(relocation, filing)


def guard_others(measure: Measure, known: Relocation) -> None:
    """Put every other filing of the person under the measure too."""
    _apply(measure, [], known)


def _guard(measure: Measure, relocation: Relocation, ordinal: int, legs: Iterable[Leg]) -> None:
    Guarded.objects.get_or_create(
        measure=measure,
        relocation=relocation,
        defaults={"municipality_id": measure.municipality_id, "ordinal": ordinal},
    )
    for leg in legs:
        if leg.guard != Guard.OWN:
            leg.guard = Guard.OWN if leg.municipality_id == measure.municipality_id else Guard.TOLD
        leg.contact_office = leg.contact_office or measure.contact_office
        leg.save(update_fields=["guard", "contact_office"])


def _freeze(relocation: Relocation, filing: Filing | None = None) -> None:
    """Show the filer nothing new from now on, unless the filer is a protected person; open again when none is left.

    ``filing``: the version that is being written, if one is.
    """
    rows = Guarded.objects.filter(relocation=relocation).exclude(measure__state=State.ENDED)
    protected = list(rows.values_list("ordinal", flat=True))
    try:
        opens = not protected or frozen.is_for(filing or services.filing_of(relocation), protected)
    except ShreddedError:
        return  # nothing happens to it any more
    was = relocation.frozen_at
    relocation.frozen_at = None if opens else was or facts.moment(facts.read(relocation))
    if was is None and relocation.frozen_at is not None:
        relocation.frozen_state = frozen.look(relocation, relocation.frozen_at).relocation.state
    relocation.save(update_fields=["frozen_at", "frozen_state"])
    if was is not None and opens:
        for later in relocation.followed_by.all():
            services.advance(later.pk)


def protects(actor: Actor) -> bool:
    """Tell whether this clerk is entrusted with the measures of the own town."""
    return actor.kind is ActorKind.CLERK and actor.duty == PROTECTS and bool(actor.municipality)


def towns_of(actor: Actor) -> list[str]:
    """Return whose measures this clerk acts on: those of the own town, and of towns in whose place it stands."""
    return heirs.kept(actor.municipality, timezone.localdate())


def _must_protect(actor: Actor) -> None:
    if not protects(actor):
        raise refuse("E108")


def find(receipt_no: str, ordinal: int, municipality: str) -> Filed:
    """Return a mover of a filing in which this municipality has a part; E108 when there is none.

    Called as the hub: a clerk of the protection role finds what the town was not told yet, by the number on paper.
    """
    rows = Relocation.objects.filter(receipt_no=receipt_no, legs__municipality=municipality)
    relocation = rows.distinct().first() if is_receipt_no(receipt_no) else None
    if relocation is None or not relocation.movers.filter(ordinal=ordinal, municipality=municipality).exists():
        raise refuse("E108", "/receipt_no")
    return relocation, ordinal


def lock_filed(municipality: str, marks: Any, known: Q | None = None) -> None:
    """Lock every filing of the persons of these marks, those that are ``known`` too, and those that follow them.

    Done before a measure is made or a report locks its filing: two who set measures at once wait for each other here.
    """
    person = Q(pk__in=Mark.objects.filter(mark__in=marks, municipality=municipality).values("relocation"))
    found = Relocation.objects.filter(person | known if known else person).values_list("pk", flat=True)
    lock_with_later(found)


def lock_with_later(relocation_ids: Iterable[UUID]) -> None:
    """Lock these filings and those that follow them, which go on when they are open again."""
    ids = list(relocation_ids)
    services.lock_all([*ids, *Relocation.objects.filter(follows__in=ids).values_list("pk", flat=True)])


def set_for_filed(actor: Actor, receipt_no: str, ordinal: int, **terms: Any) -> Measure:
    """Set a measure for a mover of a filing that concerns the clerk's town; see ``_set``."""
    _must_protect(actor)
    with acting(HUB):
        relocation, ordinal = find(receipt_no, ordinal, actor.municipality)
        mover = next(one for one in services.filing_of(relocation).movers if one.ordinal == ordinal)
        mark = people.mark_of(actor.municipality, mover)
        lock_filed(actor.municipality, [mark], Q(pk=relocation.pk))
        measure = _set(actor, mark, **terms)
        _apply(measure, [(relocation, ordinal)])
    write_down("set", measure, state=measure.state)
    return measure


def set_for_resident(actor: Actor, person: Mover, **terms: Any) -> Measure:
    """Set a measure for a resident who has not filed: of the name, birth date and sex the hub keeps a mark only."""
    _must_protect(actor)
    with acting(HUB):
        mark = people.mark_of(actor.municipality, person)
        lock_filed(actor.municipality, [mark])
        measure = _set(actor, mark, **terms)
        _apply(measure, [])
    write_down("set", measure, state=measure.state)
    return measure


def _set(actor: Actor, mark: bytes, *, contact_office: str, expires_on: date, provisional: bool) -> Measure:
    """Make the measure; E200 when one is in force for this person. ``expires_on`` lies ahead (E308)."""
    if expires_on <= timezone.localdate():
        raise refuse("E308", "/expires_on")
    measure = Measure(
        municipality_id=actor.municipality,
        mark=mark,
        state=State.PROVISIONAL if provisional else State.ACTIVE,
        contact_office=contact_office,
        expires_on=expires_on,
        set_by=actor.name,
    )
    try:
        with transaction.atomic():
            measure.save(force_insert=True)
    except IntegrityError:
        raise refuse("E200", detail="A measure is in force for this person.") from None
    return measure


def _apply(measure: Measure, filed: Iterable[Filed], but: Relocation | None = None) -> None:
    """Guard every filing of the person that is known but this one, and tell its other towns (message 75).

    Of what was shredded nothing is told any more.
    """
    rows = Mark.objects.filter(mark=measure.mark, municipality=measure.municipality_id).select_related("relocation")
    found = {row.relocation: row.ordinal for row in rows if row.relocation != but} | dict(filed)
    kept = vault.wrapped_many([relocation.pk for relocation in found])
    for relocation, ordinal in sorted(found.items(), key=lambda pair: pair[0].pk):
        relocation = services.lock(relocation.pk)
        guard_filing(measure, relocation, ordinal, relocation.legs.all())
        if relocation.pk in kept:
            services.advance(relocation.pk)


def confirm(actor: Actor, measure_id: int) -> None:
    """Turn a provisional measure into one in force."""
    measure = _own(actor, measure_id)
    if measure.state != State.PROVISIONAL:
        raise refuse("E200", detail=f"The measure is {measure.state}.")
    measure.state = State.ACTIVE
    measure.save(update_fields=["state"])
    write_down("confirmed", measure)


def extend(actor: Actor, measure_id: int, expires_on: date) -> None:
    """Move the last day on; E308 for a day that is not later than the one before."""
    measure = _own(actor, measure_id)
    if measure.state == State.ENDED:
        raise refuse("E200", detail="The measure has ended.")
    if expires_on <= max(measure.expires_on, timezone.localdate()):
        raise refuse("E308", "/expires_on")
    measure.expires_on = expires_on
    measure.save(update_fields=["expires_on"])
    expiring.settle(measure)
    write_down("extended", measure)


def _own(actor: Actor, measure_id: int) -> Measure:
    """Lock a measure of the clerk's town, or of one in whose place it stands; E108 when there is none."""
    _must_protect(actor)
    rows = Measure.objects.select_for_update(of=("self",)).filter(pk=measure_id, municipality__in=towns_of(actor))
    measure = rows.first()
    if measure is None:
        raise refuse("E108")
    return measure


def ask(actor: Actor, act: Act, measure_id: int, relocation_id: UUID | None = None) -> Release:
    """Ask for an act that takes two; asking again while it is open gives the same request."""
    measure = _own(actor, measure_id)
    if measure.state == State.ENDED and act is Act.END:
        raise refuse("E200", detail="The measure has ended.")
    if act is Act.SEE and not (relocation_id and measure.guarded.filter(relocation=relocation_id).exists()):
        raise refuse("E108")
    asked = Release.objects.filter(measure=measure, act=act, asked_by=actor.name, released_at=None)
    found = (asked.filter(relocation=relocation_id) if relocation_id else asked).first()
    if found is None:
        found = Release(measure=measure, act=act, asked_by=actor.name, municipality_id=actor.municipality)
        found.relocation_id = relocation_id
        found.save(force_insert=True)
        write_down(f"{act.value.lower()}_asked", measure)
    return found


def release(actor: Actor, release_id: int) -> Release:
    """Release what another clerk asked for: 30 minutes of sight, or the end. E108 for an own or a settled request."""
    _must_protect(actor)
    rows = Release.objects.select_for_update(of=("self",)).select_related("measure")
    found = rows.filter(pk=release_id, municipality__in=towns_of(actor), released_at=None).first()
    if found is None or found.asked_by == actor.name:
        raise refuse("E108")
    if found.act == Act.END:  # before the audit's general chain, which who holds the filings waits for
        with acting(HUB):
            lock_with_later(found.measure.guarded.values_list("relocation", flat=True))
    found.released_by, found.released_at = actor.name, timezone.now()
    found.until = found.released_at + SEEN_FOR if found.act == Act.SEE else None
    found.save(update_fields=["released_by", "released_at", "until"])
    write_down(f"{found.act.lower()}_released", found.measure, asked_by=found.asked_by)
    if found.act == Act.END:
        with acting(HUB):
            _end(found.measure)
    return found


def _end(measure: Measure) -> None:
    """End it: filings that no other measure guards are open again. No town is told: each decides for itself."""
    measure.state, measure.ended_at = State.ENDED, timezone.now()
    measure.save(update_fields=["state", "ended_at"])
    expiring.settle(measure)
    for row in measure.guarded.select_related("relocation").order_by("relocation_id"):
        relocation = services.lock(row.relocation_id)
        was = relocation.frozen_at
        _freeze(relocation)
        others = Guarded.objects.filter(relocation=row.relocation_id).exclude(measure__state=State.ENDED)
        still = {other.measure.municipality_id: other.measure for other in others.select_related("measure")}
        for leg in row.relocation.legs.all():
            own = still.get(leg.municipality_id)
            leg.guard = Guard.OWN if own else Guard.TOLD if still else Guard.NONE
            leg.contact_office = next((one.contact_office for one in still.values()), "")
            leg.save(update_fields=["guard", "contact_office"])
        if was is not None and relocation.frozen_at is None and vault.wrapped_many([relocation.pk]):
            consents.take_kept(relocation)  # what was answered meanwhile counts from now on
            services.advance(relocation.pk)


def settle_wish(actor: Actor, wish_id: int) -> None:
    """Take a wish off the list: the citizen was contacted."""
    _must_protect(actor)
    rows = ContactWish.objects.filter(pk=wish_id, municipality__in=towns_of(actor), settled_at=None)
    if rows.update(settled_at=timezone.now(), settled_by=actor.name):
        audit.record(audit.Act("protection.wish_settled", f"protection_wish:{wish_id}"))


def write_down(what: str, measure: Measure, **detail: str) -> None:
    """Write an act to the audit under the measure's number, never under the filing's."""
    audit.record(audit.Act(f"protection.{what}", f"protection:{measure.pk}", detail))
