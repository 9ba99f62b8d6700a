"""What must be true afterwards, from the hub's rows and the towns' own books."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery
from hub.demo import outcome
from hub.demo.front import Accepted


def verdict(accepted: Sequence[Accepted], towns: str, data: Path) -> dict[str, Any]:
    """Examine everything; ``holds`` says whether nothing was lost, doubled, overtaken or changed."""
    found = outcome.examine(accepted, towns)
    audit = subprocess.run(
        [sys.executable, "manage.py", "audit", "verify"], capture_output=True, text=True, check=False
    )
    overtaken = overtakings([one.id for one in accepted], data / "towns" / "towns.sqlite3")
    holds = found.settled == found.filings and not (found.lost or found.doubled or overtaken) and audit.returncode == 0
    return {
        "holds": holds,
        "filings": found.filings,
        "settled": found.settled,
        "lost": found.lost,
        "doubled": found.doubled,
        "overtaken": overtaken,
        "audit": audit.stdout.strip() or audit.stderr.strip()[-500:],
        "deliveries": sum(found.by_state.values()),
        "unfinished": found.unfinished,
    }


def overtakings(ids: Sequence[str], books: Path) -> list[str]:
    """Notices that a town took in before an earlier one about the same relocation.

    Not asked of towns that read files: they were down while several lay there, and read them by their ids, which
    have no order within a millisecond or across a jump of the clock.
    """
    with sqlite3.connect(f"file:{books}?mode=ro", uri=True) as own:
        places = {notice: place for place, notice in own.execute("SELECT rowid, notice_id FROM notices")}
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id__in=ids).select_related("connection")
        told = [
            row
            for row in rows.order_by("relocation_id", "municipality_id", "sequence")
            if str(row.pk) in places and outcome.transport(row) in ("https", "pull")
        ]
    return [
        f"{after.receipt_no} {after.type} #{after.sequence} {outcome.transport(after)}"
        for before, after in pairwise(told)
        if (before.relocation_id, before.municipality_id) == (after.relocation_id, after.municipality_id)
        and places[str(after.pk)] < places[str(before.pk)]
    ]
