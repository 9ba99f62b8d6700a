"""How many journeys are worked out a second on one core: it runs at every event of every relocation."""

import time
from datetime import date
from statistics import median

from hub.bench.report import Found, Progress, bar
from hub.relocations import journey
from hub.relocations.journey import Fact, LegFacts, Situation
from municipalities.notice import Flow, Kind, Role

#: The bar: plans a second on one core.
LEAST = 10_000
#: Plans in a round.
PLANS = 20_000
ORIGIN, DESTINATION, DOMICILE = "012025", "131016", "221406"
#: An undisturbed move in the card flow, fact by fact.
COURSE = (
    ("filing.acknowledged", "", ""),
    ("moveout.submitted", "", ORIGIN),
    ("arrival.planned", "", DESTINATION),
    ("arrival.plan_ack", "", DESTINATION),
    ("moveout.reviewing", "", ORIGIN),
    ("moveout.decided", "REGISTERED", ORIGIN),
    ("certificate.available", "", ORIGIN),
    ("arrival.prefill", "", DESTINATION),
    ("arrival.visited", "", DESTINATION),
    ("movein.decided", "REGISTERED", DESTINATION),
    ("movein.notice", "", ORIGIN),
    ("appendix.notice", "", DOMICILE),
    ("moveout.effective", "", ORIGIN),
    ("movein.notice_applied", "", ORIGIN),
    ("appendix.applied", "", DOMICILE),
)
TOLD = (
    ("moveout.submitted", Role.ORIGIN, ORIGIN),
    ("arrival.planned", Role.DESTINATION, DESTINATION),
    ("arrival.prefill", Role.DESTINATION, DESTINATION),
    ("movein.notice", Role.ORIGIN, ORIGIN),
    ("appendix.notice", Role.DOMICILE, DOMICILE),
)


def situations(movers: int) -> list[Situation]:
    """Every moment of an undisturbed move of so many persons, from the filing to its end."""
    everyone = tuple(range(1, movers + 1))
    who = frozenset(everyone)
    legs = (
        LegFacts(Role.ORIGIN, ORIGIN, everyone),
        LegFacts(Role.DESTINATION, DESTINATION, everyone),
        LegFacts(Role.DOMICILE, DOMICILE, everyone),
    )
    facts = tuple(Fact(type_, who, outcome, town) for type_, outcome, town in COURSE)
    moments = []
    for count in range(1, len(facts) + 1):
        sent = {fact.type for fact in facts[:count]}
        covered = {place: who for place in TOLD if place[0] in sent}
        moments.append(
            Situation(
                kind=Kind.DOMESTIC,
                flows=dict.fromkeys(everyone, Flow.CARD_SPECIAL),
                planned_out_on=date(2026, 3, 31),
                legs=legs,
                facts=facts[:count],
                covered=covered,
                today=date(2026, 4, 1),
            )
        )
    return moments


def run(rounds: int, tell: Progress) -> Found:
    """Plan every moment of moves of one to four persons, by processor time of this process."""
    moments = [moment for movers in (1, 1, 2, 3, 4) for moment in situations(movers)]
    rates = []
    for number in range(rounds + 1):
        tell("journeys", number, rounds + 1)
        started, count = time.process_time(), 0
        while count < PLANS:
            for moment in moments:
                journey.travel(moment)
            count += len(moments)
        rates.append(count / (time.process_time() - started))
    rate = median(rates[1:])  # the first round reads the tables
    return Found([bar("journeys planned/s, one core", rate, LEAST)], {"journeys planned": 1000 / rate})
