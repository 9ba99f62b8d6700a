"""Notices to write in the benchmark: single persons of the demo's invention, as a destination is told of them."""

import csv
from datetime import date
from itertools import islice

import msgspec

from hub.demo.people import Invention, Place
from hub.relocations.filing import Filing
from municipalities.codes import DATA
from municipalities.notice import Kind, Notice, Role

TODAY = date(2026, 4, 1)
EVERY = 8  #: one municipality in so many, from north to south
#: What a notice has from its filing as it stands there.
COPIED = (
    *("kind", "flow", "scope", "planned_out_on", "living_from", "visit_on"),
    *("old_address", "new_address", "household_left", "household_joined", "remarks"),
)


def single_persons(number: int, seed: int = 0) -> list[Notice]:
    """The first movers of so many filings; the same seed gives the same ones."""
    invention = Invention(_places(), TODAY, seed)
    domestic = (filing for filing in invention.filings(2 * number + 2) if filing.kind is Kind.DOMESTIC)
    return [_notice(count, filing) for count, filing in enumerate(islice(domestic, number), 1)]


def _places() -> list[Place]:
    with (DATA / "municipalities.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["valid_to"] and row["kind"] != "designated_city"]
    every = islice(rows, 0, None, EVERY)
    return [Place(row["code"], row["prefecture"], f"{row['within']}{row['name']}", row["parent_code"]) for row in every]


def _notice(count: int, filing: Filing) -> Notice:
    return Notice(
        notice_id=f"01970000-0000-7000-8000-{count:012}",
        type="arrival.prefill",
        receipt_no=f"00BENCH{count:07}",
        version=1,
        recipient=filing.destination,
        role=Role.DESTINATION,
        filed_on=TODAY,
        origin=filing.origin,
        destination=filing.destination,
        person_count=1,
        movers=(msgspec.structs.replace(filing.movers[0], ordinal=1),),
        **{name: getattr(filing, name) for name in COPIED},
    )
