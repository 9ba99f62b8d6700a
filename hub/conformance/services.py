"""Keep a report of the conformance kit, and say what stands against a connection that is to go live."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from hub import actors
from hub.actors import ActorKind
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.conformance.models import Mode, Report
from municipalities import standard as standards
from municipalities.conformance import kit
from municipalities.conformance.notices import Writer, as_json
from municipalities.errors import UnfitError
from municipalities.notice import Notice

#: How long a report counts: vendors change their systems, and the hub its checks.
VALID = timedelta(days=400)
#: Ways the kit can talk to. How files travel (a shared folder, SFTP) changes nothing for who reads and lays them down.
MODES = {"http": Mode.PUSH, "https": Mode.PUSH, "pull": Mode.PULL, "folder": Mode.FILES, "sftp": Mode.FILES}
#: Ways the hub can run the kit itself; a town that exchanges files runs it where its folder is and sends the report.
FROM_HERE = frozenset({Mode.PUSH, Mode.PULL})
LONGEST_SEEN = 300


class _Check(msgspec.Struct):
    name: str
    passed: bool
    skipped: bool = False
    applies: bool = True
    seen: str = ""


class _Document(msgspec.Struct):
    """What the kit prints with ``--json``; members that are not used here are left out."""

    mode: str
    checks: list[_Check]
    standard: str = ""


def record(municipality: str, document: Any) -> Report:
    """Keep a report; the grade is worked out anew, and a check that is missing counts as not made.

    Raises ``Refusal`` E104 for what is no report of the kit, E120 for an unknown standard.
    """
    try:
        told = msgspec.convert(document, _Document)
        mode = Mode(told.mode)
    except (msgspec.ValidationError, ValueError):
        raise refuse("E104", "", "A report as the kit prints it with --json.") from None
    if told.standard and told.standard not in standards.names():
        raise refuse("E104", "/standard", "A record standard of this hub, or empty.")
    found = {check.name: check for check in told.checks}
    asked = [check for check in kit.table() if mode.value in check.modes.split()]
    results = [_result(check, found.get(check.name)) for check in asked]
    row = Report(
        municipality_id=municipality,
        mode=mode,
        standard=told.standard,
        grade=kit.Report(mode.value, municipality, results).grade,
        checks=[
            {"name": one.check.name, "passed": one.passed, "applies": one.applies, "seen": one.seen} for one in results
        ],
        recorded_by=actors.current().name,
    )
    row.save(force_insert=True)
    detail = {"grade": row.grade, "mode": row.mode, "standard": row.standard}
    audit.record(audit.Act("conformance.recorded", f"municipality:{municipality}", detail))
    return row


def _result(check: kit.Check, found: _Check | None) -> kit.Result:
    if found is None:
        return kit.Result(check, None, "not made")
    passed = None if found.skipped else found.passed
    return kit.Result(check, passed, found.seen[:LONGEST_SEEN], applies=found.applies or passed is not None)


def latest(municipality: str, mode: Mode, standard: str) -> Report | None:
    """The last report about this way and this record standard that still counts."""
    rows = Report.objects.filter(municipality=municipality, mode=mode, standard=standard)
    return rows.filter(at__gte=timezone.now() - VALID).order_by("-id").first()


def latest_of(municipalities: Iterable[str]) -> QuerySet[Report]:
    """The last reports of these towns that still count, one for each way and record standard."""
    rows = Report.objects.filter(municipality__in=municipalities, at__gte=timezone.now() - VALID)
    about = ("municipality_id", "mode", "standard")
    return rows.order_by(*about, "-id").distinct(*about)


def mode_of(address: str) -> Mode | None:
    """Which way the kit would take, if it can."""
    return MODES.get(address.partition(":")[0])


def writer(name: str) -> Writer:
    """Writes the kit's notices in a record standard, which may raise ``ValueError``; canonical JSON without one."""
    if not name:
        return as_json
    layout = standards.load(name)

    def write(told: dict[str, Any]) -> tuple[bytes, str]:
        try:
            return layout.write(msgspec.convert(told, Notice)).content, layout.content_type
        except (UnfitError, msgspec.ValidationError) as error:
            raise ValueError(name) from error

    return write


def against(municipality: str, standard: str, address: str) -> str:
    """What stands against such a connection, in words; empty when it may go live."""
    mode = mode_of(address)
    needed = settings.HUB_CONFORMANCE_GRADE
    if mode is None or not needed:
        return ""
    report = latest(municipality, mode, standard)
    if report is None:
        text = gettext("No conformance report of this way and record standard: grade %(needed)s is needed.")
        return text % {"needed": needed}
    if report.grade > needed:
        text = gettext("The last conformance report has grade %(grade)s: %(needed)s is needed.")
        return text % {"grade": report.grade, "needed": needed}
    return ""


def check(municipality: str, standard: str, address: str, reason: str = "") -> None:
    """Refuse (``ValidationError``) to go live below the needed grade, unless an operator gives a reason.

    A clerk who plans for the own town cannot override. Whoever makes the connection writes the reason into the audit.
    """
    why = against(municipality, standard, address)
    if not why:
        return
    if not reason.strip() or actors.current().kind not in (ActorKind.OPERATOR, ActorKind.HUB):
        raise ValidationError({"standard": [why, gettext("Only an operator may override this, with a reason.")]})
