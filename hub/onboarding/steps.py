"""Where a town stands: six steps, each done, waiting, running, failed with what to do, or not needed. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from hub.catalogue import entries
from hub.conformance import services as conformance
from hub.deliveries import callbacks
from hub.onboarding.facts import Facts
from hub.onboarding.models import Run
from hub.shadow.report import Report, restored
from hub.words import Words
from municipalities import standard as standards
from municipalities import transports
from municipalities.errors import RefusedError


class Standing(StrEnum):
    """How far a step is."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    NOT_NEEDED = "not_needed"


STANDINGS: dict[Standing, Words] = {
    Standing.DONE: _("done"),
    Standing.RUNNING: _("running"),
    Standing.WAITING: _("waiting"),
    Standing.FAILED: pgettext_lazy("step", "failed"),
    Standing.NOT_NEEDED: _("not needed"),
}
TITLES: dict[str, Words] = {
    "layout": _("Record standard"),
    "address": _("Address and keys"),
    "connection": _("Connection test"),
    "conformance": _("Conformance"),
    "shadow": _("Shadow run"),
    "live": _("First day"),
}
OVER = (Standing.DONE, Standing.NOT_NEEDED)


@dataclass(frozen=True, slots=True)
class Step:
    """One step, in words."""

    name: str
    standing: Standing
    text: str
    remedy: str = ""
    warning: str = ""

    @property
    def title(self) -> str:
        """What it is called."""
        return str(TITLES[self.name])

    @property
    def word(self) -> str:
        """How far it is."""
        return str(STANDINGS[self.standing])

    @property
    def is_over(self) -> bool:
        """Whether the next one's turn has come."""
        return self.standing in OVER


def steps(facts: Facts) -> list[Step]:
    """All six, in order."""
    return list(_steps(facts))


def current(found: Sequence[Step]) -> Step:
    """The first that is not over; the last when all are."""
    return next((step for step in found if not step.is_over), found[-1])


def missing(found: Sequence[Step]) -> list[str]:
    """What must be done before a first day can be planned: without it there is nothing to plan."""
    return [step.title for step in found if step.name in ("layout", "address") and not step.is_over]


def _steps(facts: Facts) -> Iterator[Step]:
    yield _layout(facts)
    yield _address(facts)
    yield _connection(facts)
    yield _conformance(facts)
    yield _shadow(facts)
    yield _live(facts)


def _day(moment: date | None) -> str:
    day = timezone.localdate(moment) if isinstance(moment, datetime) else moment
    return date_format(day, "DATE_FORMAT") if day else ""


def _layout(facts: Facts) -> Step:
    name = facts.row.standard
    if not name:
        return Step("layout", Standing.WAITING, gettext("Choose a record standard, or draft one from a vendor's file."))
    if name not in standards.names():
        text = gettext("There is no record standard %(name)s any more.") % {"name": name}
        return Step("layout", Standing.FAILED, text, gettext("Choose another one."))
    return Step("layout", Standing.DONE, f"{standards.load(name).title} ({name})")


def _address(facts: Facts) -> Step:
    address, warning = facts.row.address, ""
    if not address:
        return Step("address", Standing.WAITING, gettext("Say where its system is told."))
    try:
        transports.find(address)
    except RefusedError as error:
        text = gettext("No transport can use this address: %(why)s.") % {"why": error.detail}
        return Step("address", Standing.FAILED, text, gettext("Correct the address."))
    if facts.ends is not None:
        over = facts.ends <= timezone.now()
        text = gettext("A credential ended on %(day)s.") if over else gettext("A credential ends on %(day)s.")
        warning = text % {"day": _day(facts.ends)}
    if needs_system(address) and not facts.systems:
        text = gettext("Its system has no client of the API yet: make one and hand its secret over.")
        return Step("address", Standing.WAITING, text)
    if callbacks.is_signed(address) and not _has_key(facts):
        return Step("address", Standing.WAITING, gettext("There is no signing key yet: make one and hand it over."))
    text = address.partition("?")[0]
    if facts.row.sets_protection:
        text = gettext("%(address)s; its answers may set protection measures") % {"address": text}
    return Step("address", Standing.DONE, text, warning=warning)


def needs_system(address: str) -> bool:
    """Whether its system asks or answers through the API; towns that exchange files do not."""
    return address.partition(":")[0] not in (*transports.FILES, "memory")


def _has_key(facts: Facts) -> bool:
    used = facts.present is not None and facts.present.address == facts.row.address
    return used or (facts.callback is not None and facts.callback.signing_key is not None)


def _connection(facts: Facts) -> Step:
    address, asked = facts.row.address, facts.callback
    if not address:
        return Step("connection", Standing.WAITING, gettext("First say where its system is told."))
    if facts.present is not None and facts.present.address == address:
        return Step("connection", Standing.DONE, gettext("The address is in use."))
    if not transports.calls_back(address):
        return _without_call(facts)
    if asked is not None and asked.wanted_at is not None:
        return Step("connection", Standing.RUNNING, gettext("The address is being asked to prove itself."))
    if asked is not None and asked.is_proven:
        text = gettext("The address proved itself on %(day)s.") % {"day": _day(asked.proven_at)}
        return Step("connection", Standing.DONE, text)
    if asked is not None and asked.code:
        entry = entries()[asked.code]
        away = gettext("Start its system, open the way to it, and test again.")
        remedy = away if asked.code == "E900" else entry.remedy
        return Step("connection", Standing.FAILED, f"{asked.code} {entry.title} ({asked.why})", remedy)
    return Step("connection", Standing.WAITING, gettext("The address has not proved itself lately: test it."))


def _without_call(facts: Facts) -> Step:
    if facts.row.address.partition(":")[0] != "pull":
        return Step("connection", Standing.NOT_NEEDED, gettext("Nobody is called: files are laid down and fetched."))
    if facts.signed_in_at is not None:
        text = gettext("Its system fetched a token on %(day)s.") % {"day": _day(facts.signed_in_at)}
        return Step("connection", Standing.DONE, text)
    return Step(
        "connection",
        Standing.NOT_NEEDED,
        gettext("Nobody is called: its system fetches. It has not signed in yet."),
    )


def _conformance(facts: Facts) -> Step:
    row, report, run = facts.row, facts.report, facts.runs.get(Run.Kind.KIT)
    needed = settings.HUB_CONFORMANCE_GRADE
    if not (row.address and row.standard):
        return Step("conformance", Standing.WAITING, gettext("First choose record standard and address."))
    if conformance.mode_of(row.address) is None or not needed:
        return Step("conformance", Standing.NOT_NEEDED, gettext("No grade is asked of this way."))
    if run is not None and run.is_open:
        return Step("conformance", Standing.RUNNING, _progress(run))
    if run is not None and run.state == Run.State.FAILED and (report is None or run.ended_at > report.at):  # type: ignore[operator]
        return Step("conformance", Standing.FAILED, run.why, gettext("Start it again when that is mended."))
    if report is None:
        text = gettext("No report yet: grade %(needed)s is needed.") % {"needed": needed}
        return Step("conformance", Standing.WAITING, text)
    told = {"grade": report.grade, "day": _day(report.at), "needed": needed}
    text = gettext("Grade %(grade)s on %(day)s; %(needed)s is needed.") % told
    if report.grade > needed:
        remedy = gettext("See to the failed checks, or go live with a reason.")
        return Step("conformance", Standing.FAILED, text, remedy)
    return Step("conformance", Standing.DONE, text)


def _progress(run: Run) -> str:
    if run.state == Run.State.WAITING:
        return gettext("It waits for a worker.")
    return gettext("%(done)d of %(total)d") % {"done": run.done, "total": run.total}


def _shadow(facts: Facts) -> Step:
    row, run = facts.row, facts.runs.get(Run.Kind.SHADOW)
    if not row.standard:
        return Step("shadow", Standing.WAITING, gettext("First choose a record standard."))
    if facts.present is None or not facts.went_out:
        return Step("shadow", Standing.NOT_NEEDED, gettext("Nothing went out to it yet that could be tried."))
    if (facts.present.standard, facts.present.gaiji_id) == (row.standard, row.gaiji_id):
        return Step("shadow", Standing.NOT_NEEDED, gettext("The record standard stays the same."))
    if run is None:
        return Step("shadow", Standing.WAITING, gettext("Try what went out lately in the new record standard."))
    if run.is_open:
        return Step("shadow", Standing.RUNNING, _progress(run))
    if run.state == Run.State.FAILED:
        return Step("shadow", Standing.FAILED, run.why, gettext("Start it again when that is mended."))
    report = tried(run)
    text = gettext("%(tried)d notices tried; %(percent)s came through equal.")
    step = Step("shadow", Standing.DONE, text % {"tried": report.tried, "percent": report.percent})
    if report.is_ready:
        return step
    remedy = gettext("See what is lost or refused, correct the tables or let clerks decide, and try again.")
    return replace(step, standing=Standing.FAILED, remedy=remedy)


def tried(run: Run) -> Report:
    """What a shadow run found."""
    return restored(run.found, standards.load(run.standard).omits)


def _live(facts: Facts) -> Step:
    link = facts.row.connection
    if link is None:
        return Step("live", Standing.WAITING, gettext("Plan its first day."))
    if link.valid_from <= timezone.localdate():
        return Step("live", Standing.DONE, gettext("Live since %(day)s.") % {"day": _day(link.valid_from)})
    return Step("live", Standing.DONE, gettext("Planned for %(day)s.") % {"day": _day(link.valid_from)})
