"""What a worker does for onboardings: the kit against a town's system, a standard tried on what went out."""

import base64
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from hub.actors import HUB, acting
from hub.conformance import services as conformance
from hub.conformance.models import Mode, Report
from hub.deliveries import callbacks
from hub.onboarding import services
from hub.onboarding.models import Run
from hub.shadow import services as shadow
from hub.shadow.report import collect
from municipalities import standard as standards
from municipalities.conformance import kit, options
from municipalities.conformance.report import as_json

#: A run whose worker said nothing for so long is lost: the longest check takes less.
LOST = timedelta(minutes=3)
#: Deliveries that a shadow run tries, the latest first, and how far back.
MOST, SINCE = 1_000, services.BACK
#: How often a long run says how far it is.
EVERY = 25
LONGEST_WHY = 300


class GivenUpError(Exception):
    """The run cannot go on; the text says why."""


def work() -> bool:
    """Do the oldest run that waits, to its end; tells whether there was one."""
    with acting(HUB):
        services.end_live()
        _end_lost()
        run = _take()
    if run is None:
        return False
    try:
        changes = _kit(run) if run.kind == Run.Kind.KIT else _shadow(run)
    except GivenUpError as error:
        changes = {"state": Run.State.FAILED, "why": str(error)[:LONGEST_WHY]}
    with acting(HUB):
        _open(run).update(ended_at=timezone.now(), **{"state": Run.State.DONE} | changes)
    return True


def _take() -> Run | None:
    waiting = Run.objects.filter(state=Run.State.WAITING).order_by("pk")
    run = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("onboarding__gaiji").first()
    if run is not None:
        run.state, run.seen_at = Run.State.RUNNING, timezone.now()
        run.save(update_fields=["state", "seen_at"])
    return run


def _end_lost() -> None:
    lost = Run.objects.filter(state=Run.State.RUNNING, seen_at__lt=timezone.now() - LOST)
    lost.update(state=Run.State.FAILED, ended_at=timezone.now(), why=gettext("It was interrupted."))


def _open(run: Run) -> Any:
    return Run.objects.filter(pk=run.pk, state=Run.State.RUNNING)


def _tell(run: Run, done: int, total: int) -> None:
    with acting(HUB):
        _open(run).update(done=done, total=total, seen_at=timezone.now())


# --- The kit -----------------------------------------------------------------------------------------------


def _kit(run: Run) -> dict[str, Any]:
    """Play the hub towards the town's system; keeps the report."""
    row, mode = run.onboarding, conformance.mode_of(run.address)
    total = sum(mode is not None and mode.value in check.modes.split() for check in kit.table())
    done = 0

    def tell(line: str) -> None:
        nonlocal done
        if line[:1] in "✓✗–":
            done += 1
            _tell(run, done, total)

    _tell(run, 0, total)
    try:
        report = options.run(_options(run), tell, conformance.writer(run.standard))
    except (OSError, TimeoutError) as error:
        text = gettext("The kit did not begin: %(why)s.")
        raise GivenUpError(text % {"why": error.strerror or str(error) or type(error).__name__}) from error
    document = as_json(report) | {"standard": run.standard}
    with acting(HUB):
        kept: Report = conformance.record(row.municipality_id, document)
    return {"report": kept}


def _options(run: Run) -> Any:
    """As the command line would say it."""
    row = run.onboarding
    parser = ArgumentParser()
    options.add(parser)
    client, secret = services.kit_client(row)
    given = ["--town", row.municipality_id, "--client-id", client, "--client-secret", secret]
    given += ["--hub-port", str(settings.HUB_KIT_PORT), "--books", run.books]
    if conformance.mode_of(run.address) is Mode.PULL:
        return parser.parse_args(["pull", *given])
    with acting(HUB):
        key = callbacks.signs(row.municipality_id, run.address)
    callbacks.guard().check(run.address)
    return parser.parse_args([run.address, *given, "--key", f"whsec_{base64.b64encode(key).decode()}"])


# --- The shadow run ----------------------------------------------------------------------------------------


def _shadow(run: Run) -> dict[str, Any]:
    """Write what went out lately in the new standard too, and count how it differs."""
    row = run.onboarding
    with acting(HUB):
        present = callbacks.present_of(row.municipality_id)
        if present is None:
            raise GivenUpError(gettext("Nothing went out to it yet that could be tried."))
        rows = shadow.recent(present, timezone.localdate() - SINCE, MOST)
    following = standards.load(run.standard, row.gaiji.value() if row.gaiji else None)
    found = []
    for number, (delivery, key) in enumerate(rows, 1):
        one = shadow.attempt(delivery, key, present.layout(), following)
        found.append((one.outcome, one.differences))
        if number % EVERY == 0:
            _tell(run, number, len(rows))
    return {"found": collect(found, following.omits).kept(), "done": len(rows), "total": len(rows)}
