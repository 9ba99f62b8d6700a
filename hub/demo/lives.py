"""What becomes of filings besides the ordinary course: invented with them, and played by their persons.

The citizens go through their front (amendments, withdrawals); what they say to a town's clerk goes to the simulated
town. The same seed gives the same lives; what comes too late for a town that has decided leaves an ordinary move.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

from hub.actors import HUB, acting
from hub.demo.front import Accepted, Front, document
from hub.demo.people import GIVEN_FEMALE, Invention, Place
from hub.relocations.filing import Filing
from hub.relocations.models import Event, Report
from municipalities.notice import Kind


class Life(StrEnum):
    """The lives that are invented."""

    PLAIN = "plain"
    AMENDED = "amended"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    CORRECTED = "corrected"
    DIVERTED = "diverted"


#: Of eleven filings so many have each life: kinds go round by twenty, so every kind comes to have every life.
LIVES = (
    *(Life.PLAIN, Life.AMENDED, Life.PLAIN, Life.DIVERTED, Life.WITHDRAWN, Life.PLAIN),
    *(Life.CANCELLED, Life.PLAIN, Life.CORRECTED, Life.PLAIN, Life.PLAIN),
)
#: States in which no town knows of a filing yet.
UNTOLD = frozenset({"", "SUBMITTED", "CONSENT_PENDING"})
#: States besides in which no municipality has decided yet.
UNDECIDED = UNTOLD | {"IN_REVIEW", "RETURNED"}
#: States in which the move itself is done.
SETTLED = frozenset({"SETTLED", "COMPLETE"})


@dataclass(frozen=True, slots=True)
class Story:
    """What becomes of one filing."""

    life: Life = Life.PLAIN
    #: The town whose clerk is asked to wait: something changes first, or nobody comes.
    waits: str = ""
    #: The town where the person appears, or finds what is wrong, and how the document should read.
    town: str = ""
    changes: tuple[dict[str, Any], ...] = ()
    #: The new version.
    amended: Filing | None = None
    #: The filing has to leave these states before anything is done.
    after: frozenset[str] = UNTOLD
    #: Whether it is done in a settled filing only.
    late: bool = False

    def is_due(self, state: str) -> bool:
        """Tell whether the person acts now."""
        return state in SETTLED or (not self.late and state not in self.after)


class Stories:
    """Invents the lives of filings."""

    def __init__(self, invention: Invention, seed: int) -> None:
        self.invention = Invention(invention.places, invention.today, seed + 1)

    def of(self, number: int, filing: Filing) -> Story:
        """Return what becomes of the filing of this number."""
        life = LIVES[number % len(LIVES)]
        out = filing.kind in (Kind.DOMESTIC, Kind.OVERSEAS_OUT)
        decides = filing.origin if out else filing.destination
        if life is Life.AMENDED:
            return Story(life, waits=decides, amended=self.amended(number, filing))
        if life is Life.WITHDRAWN:
            return Story(life, waits=decides)
        if life is Life.CANCELLED:  # every other one before anybody appears anywhere
            early = filing.kind is Kind.DOMESTIC and number % 2 == 0
            waits = filing.destination if early else ""
            return Story(life, waits=waits, after=UNDECIDED, late=not early)
        if life is Life.CORRECTED:
            by = filing.origin if out and number % 2 else filing.destination
            return Story(life, town=by or filing.origin, changes=(self.correction(filing),), late=True)
        if life is Life.DIVERTED and filing.kind is Kind.DOMESTIC:
            elsewhere = self.elsewhere(filing)
            address = msgspec.to_builtins(self.invention.address(elsewhere))
            change = {"pointer": "/newAddress", "value": address}
            return Story(life, town=elsewhere.code, changes=(change,))
        return Story()

    def elsewhere(self, filing: Filing) -> Place:
        """Return a place that is neither left nor planned, nor in a city that is."""
        known = [place for place in self.invention.places if place.code in (filing.origin, filing.destination)]
        cities = {place.ward_of or place.code for place in known}
        free = [place for place in self.invention.places if (place.ward_of or place.code) not in cities]
        return self.invention.random.choice(free)

    def amended(self, number: int, filing: Filing) -> Filing:
        """Return the filing as it is changed: another day and wish, or another town to move to."""
        if filing.kind is Kind.DOMESTIC and number % 2:
            return msgspec.structs.replace(filing, new_address=self.invention.address(self.elsewhere(filing)))
        visit = filing.visit_on and filing.visit_on + timedelta(days=2)
        return msgspec.structs.replace(filing, visit_on=visit, remarks="窓口には午後に行きます。")

    def correction(self, filing: Filing) -> dict[str, Any]:
        """Return the reading of a name as a town finds that it should be (誤記修正)."""
        family, _, _ = filing.movers[0].full_name_kana.partition("\u3000")
        given = self.invention.random.choice([kana for _, kana in GIVEN_FEMALE])
        return {"pointer": "/movers/0/fullNameKana", "value": f"{family}\u3000{given}"}


@dataclass
class Lives:
    """Plays the persons of a run."""

    front: Front
    towns: str
    stories: Sequence[Story]
    #: Filings whose persons have something left to do.
    open: dict[str, tuple[Accepted, Story]] = field(default_factory=dict)
    #: Filings of which a town was told what is wrong, until it says so.
    told: set[str] = field(default_factory=set)

    async def begin(self, number: int, accepted: Accepted) -> None:
        """Say what has to be said before the towns decide."""
        story = self.stories[number]
        if story.waits:
            await self._say(story.waits, accepted, "wait", ())
        if story.life is Life.DIVERTED:
            await self._say(story.town, accepted, "appears", story.changes)
        elif story.life is not Life.PLAIN:
            self.open[accepted.id] = (accepted, story)

    async def _say(self, town: str, accepted: Accepted, what: str, changes: Sequence[dict[str, Any]]) -> bool:
        """Tell a town's clerk; tells whether that changes anything: the office is open, and it is not too late."""
        said = {"receipt_no": accepted.receipt_no, "what": what, "changes": changes}
        url = f"{self.towns}/towns/{town}/counter"
        try:
            async with aiohttp.ClientSession() as session, session.post(url, json=said) as answer:
                return answer.status == HTTPStatus.ACCEPTED
        except aiohttp.ClientError:  # a town that is away may break off
            return False

    def go_on(self, states: Mapping[str, str]) -> bool:
        """Do what the persons do now; tells whether all lives are over."""
        due = [self.open.pop(id_) for id_, (_, story) in list(self.open.items()) if story.is_due(states.get(id_, ""))]
        self.front.change_all([post for one in due for post in _posts(*one)])
        for accepted, story in due:
            if story.life is Life.CORRECTED and asyncio.run(self._say(story.town, accepted, "error", story.changes)):
                self.told.add(accepted.id)
        if self.told:
            with acting(HUB):
                said = Report.objects.filter(
                    relocation__in=[UUID(id_) for id_ in self.told], type="correction.notified"
                )
                self.told -= {str(id_) for id_ in said.values_list("relocation", flat=True)}
        return not self.open and not self.told


def _posts(accepted: Accepted, story: Story) -> Iterator[tuple[str, bytes]]:
    """What goes through the front."""
    path = f"/api/v1/relocations/{accepted.id}"
    if story.amended is not None:
        yield f"{path}/amendments", document(story.amended)
    elif story.life in (Life.WITHDRAWN, Life.CANCELLED):
        yield f"{path}/withdrawal", b""


#: What the hub wrote down of a life that took this course: an event, or a report of a town.
HAPPENED = {
    Life.AMENDED: "filing.amended",
    Life.WITHDRAWN: "filing.withdrawn",
    Life.CORRECTED: "correction.notified",
    Life.DIVERTED: "arrival.diverted",
}


def happened(ids: Sequence[str], states: Mapping[str, str]) -> dict[str, int]:
    """Count the filings that came to have each life, from the hub's rows."""
    keys = [UUID(id_) for id_ in ids]
    with acting(HUB):
        told = set(Event.objects.filter(relocation__in=keys).values_list("relocation", "type"))
        told |= set(Report.objects.filter(relocation__in=keys).values_list("relocation", "type"))
    types = Counter(type_ for _, type_ in told)
    found = {life.value: types[name] for life, name in HAPPENED.items()}
    return found | {Life.CANCELLED.value: sum(state == "CANCELLED" for state in states.values())}
