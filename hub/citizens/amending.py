"""Changing what was filed (message 50): the pages of the form again, filled in, with a page of before and after.

What a page does not ask, and what nobody touched, stays as it was filed to the last character: only answers that
differ from what would have been typed for the old version go into the new one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from hub.actors import HUB, Actor, acting
from hub.citizens import answers, prefill
from hub.citizens.draft import Draft
from hub.citizens.phrases import person_name
from hub.citizens.prefill import ORDINAL
from hub.citizens.sheet import PERSON, Sheet
from hub.consents import services as consents
from hub.relocations import changing, facts, frozen, services
from hub.relocations.filing import MOVERS, Filer, Filing
from hub.relocations.models import Relocation
from hub.words import Words
from municipalities.notice import Address, Contact, HouseholdJoined, HouseholdLeft, Mover

#: Records of which each field is an answer of its own; any other is one answer.
MIXED = (Filing, Filer, Address, Contact, HouseholdJoined, HouseholdLeft, Mover)


@dataclass(frozen=True, slots=True)
class Change:
    """One answer before and after; either may be empty."""

    title: Words
    label: Words
    before: str
    after: str


@dataclass(frozen=True)
class Amending:
    """A filing that is being changed: its present version, and who was taken out of it."""

    relocation: Relocation
    before: Filing
    gone: frozenset[int]

    @classmethod
    def of(cls, relocation: Relocation) -> "Amending":
        """Read it as its filer is shown it; the caller has made sure whose it is. Raises ``ShreddedError``."""
        if relocation.frozen_at is not None:
            then = frozen.look(relocation, relocation.frozen_at)
            return cls(relocation, then.filing, frozenset(facts.withdrawn(then.rows)))
        with acting(HUB):
            gone = facts.withdrawn(facts.read(relocation))
        return cls(relocation, services.filing_of(relocation), frozenset(gone))

    @property
    def movers(self) -> list[Mover]:
        """Those who still move."""
        return [mover for mover in self.before.movers if mover.ordinal not in self.gone]

    def draft(self) -> Draft:
        """The present version as it would be typed."""
        return prefill.draft_of(self.before, self.movers)

    @cached_property
    def base(self) -> Sheet:
        """The forms of the present version."""
        return Sheet.of(self.draft())

    def ordinals(self, draft: Draft) -> list[int]:
        """The number of each person of a draft; who is new comes last. ``ValueError`` for no draft of this filing."""
        if not draft.amends:
            raise ValueError("not a change")
        said = [int(person[ORDINAL]) for person in draft.people if person.get(ORDINAL)]
        if len(set(said)) != len(said) or not set(said) <= {mover.ordinal for mover in self.movers}:
            raise ValueError("not the persons of this filing")
        new = count(len(self.before.movers) + 1)
        return [int(person[ORDINAL]) if person.get(ORDINAL) else next(new) for person in draft.people]

    def may_add(self, draft: Draft) -> bool:
        """Whether one more person has room in the document, which keeps who was taken out."""
        return max(len(self.before.movers), *self.ordinals(draft)) < MOVERS

    def filing(self, draft: Draft, sheet: Sheet) -> Filing:
        """The new version: the old one with what was answered otherwise."""
        numbers = self.ordinals(draft)
        base = _numbered(self.base.filing(), [mover.ordinal for mover in self.movers])
        now = _numbered(sheet.filing(), numbers)
        was = {mover.ordinal: mover for mover in base.movers}
        answered = {mover.ordinal: mover for mover in now.movers}
        people = [
            merged(mover, was[mover.ordinal], answered[mover.ordinal]) if mover.ordinal in answered else mover
            for mover in self.before.movers
        ]
        people += [answered[number] for number in numbers if number > len(self.before.movers)]
        whole: Filing = merged(
            self.before, msgspec.structs.replace(base, movers=()), msgspec.structs.replace(now, movers=())
        )
        return msgspec.structs.replace(whole, movers=tuple(people))

    def leaving(self, draft: Draft) -> list[int]:
        """Those who are taken out by this change."""
        stay = self.ordinals(draft)
        return [mover.ordinal for mover in self.movers if mover.ordinal not in stay]

    def examine(self, sheet: Sheet) -> None:
        """Say it where the answers would make another filing of it."""
        if sheet.filing().kind is not self.before.kind:
            text = _("This would be another kind of filing. Please withdraw this one and file again.")
            sheet.general.append(text)

    def save(self, draft: Draft, sheet: Sheet, actor: Actor) -> None:
        """Put the new version in the place of the old one; raises ``Refusal`` as ``changing.amend``."""
        changing.amend(self.relocation.pk, self.filing(draft, sheet), actor, self.leaving(draft))

    def asked_anew(self, draft: Draft, sheet: Sheet) -> list[str]:
        """Names of those who must agree before any town is told the new version."""
        filing = self.filing(draft, sheet)
        names = {mover.ordinal: mover.full_name for mover in filing.movers}
        names[0] = filing.household_joined.head_name
        gone = self.gone | set(self.leaving(draft))
        with acting(HUB):
            return [person_name(one, names) for one in consents.asked_anew(self.relocation, filing, gone)]

    def changes(self, draft: Draft, sheet: Sheet) -> Iterator[Change]:
        """What is answered otherwise than before, page by page, then who joins and who is taken out."""
        base, now, numbers = self.base.filing(), sheet.filing(), self.ordinals(draft)
        places = {mover.ordinal: place for place, mover in enumerate(self.movers)}
        for page in sheet.pages():
            twin = page
            if page.startswith(PERSON):
                number = numbers[_index(page)]
                if number not in places:
                    yield Change(_("Persons"), _("joins the move"), "", draft.people[_index(page)].get("full_name", ""))
                    continue
                twin = f"{PERSON}{places[number]}"
            before, after = _texts(self.base, twin, base), _texts(sheet, page, now)
            for label in dict.fromkeys([*before, *after]):
                if before.get(label, "") != after.get(label, ""):
                    yield Change(answers.title_of(page), label, before.get(label, ""), after.get(label, ""))
        for mover in self.movers:
            if mover.ordinal not in numbers:
                yield Change(_("Persons"), _("does not move any more"), mover.full_name, "")


def _index(page: str) -> int:
    return int(page.removeprefix(PERSON))


def _texts(sheet: Sheet, page: str, filing: Filing) -> dict[str, str]:
    """The answers of a page by their labels."""
    rows = (row for form in sheet.forms(page) for row in answers.rows(page, form, filing))
    return {str(row.label): row.text for row in rows}


def _numbered(filing: Filing, numbers: list[int]) -> Filing:
    """The movers and the filer by their numbers in the document, not by their places on the pages."""
    pairs = zip(filing.movers, numbers, strict=True)
    movers = tuple(msgspec.structs.replace(mover, ordinal=number) for mover, number in pairs)
    place = filing.filer.ordinal
    filer = msgspec.structs.replace(filing.filer, ordinal=numbers[place - 1] if place <= len(numbers) else 0)
    return msgspec.structs.replace(filing, movers=movers, filer=filer)


def merged(before: Any, base: Any, now: Any) -> Any:
    """What was filed, with what is answered otherwise (``now``) than it would have been typed (``base``)."""
    if base == now:
        return before
    if not isinstance(before, MIXED):
        return now
    names = before.__struct_fields__
    found = {name: merged(getattr(before, name), getattr(base, name), getattr(now, name)) for name in names}
    if isinstance(before, Mover) and found["full_name_kana"] != before.full_name_kana:
        found |= {"family_kana_status": now.family_kana_status, "given_kana_status": now.given_kana_status}
    if isinstance(before, Address) and found["street_address"] != before.street_address:
        found["street_address_id"] = ""
    return msgspec.structs.replace(before, **found)
