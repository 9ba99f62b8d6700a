"""Synthetic filings: varied households that move between real places, every person invented.

Addresses come from the municipality and postal tables; names from a short list of sample words (見本, 試験 …)
with the characters that break systems. The same seed gives the same filings.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec

from hub.relocations.filing import Filer, Filing
from municipalities import postal
from municipalities.notice import (
    Address,
    Calendar,
    Contact,
    Coverage,
    Flow,
    HouseholdJoined,
    HouseholdLeft,
    KanaStatus,
    Kind,
    Mover,
    Pension,
    Precision,
    Registry,
    Residence,
    Scope,
    Sex,
    UncertainDate,
)

FAMILY = [
    ("見本", "ミホン"),
    ("試験", "シケン"),
    ("例示", "レイジ"),
    ("仮名", "カリナ"),
    ("髙見本", "タカミホン"),
    ("𠮷試験", "ヨシシケン"),
    ("見本﨑", "ミホンザキ"),
    ("試邉", "シナベ"),
    ("德例", "トクレイ"),
    ("濵見本", "ハマミホン"),
]
GIVEN_MALE = [("太郎", "タロウ"), ("一郎", "イチロウ"), ("𠮷郎", "ヨシロウ"), ("健", "ケン"), ("はじめ", "ハジメ")]
GIVEN_FEMALE = [("花子", "ハナコ"), ("桜", "サクラ"), ("みほ", "ミホ"), ("恵", "メグミ"), ("春子", "ハルコ")]
ROMAN = [
    ("MIHON ANNA", "ミホン　アンナ", "USA"),
    ("SHIKEN TARO MINH", "シケン　タロウ　ミン", "VNM"),
    ("SAMPLE JOSE", "サンプル　ホセ", "BRA"),
]
#: Of twenty filings so many are of each kind.
KINDS = (
    *(Kind.DOMESTIC, Kind.DOMESTIC, Kind.IN_CITY, Kind.DOMESTIC, Kind.DOMESTIC, Kind.OVERSEAS_OUT, Kind.DOMESTIC),
    *(Kind.DOMESTIC, Kind.WARD_TO_WARD, Kind.DOMESTIC, Kind.DOMESTIC, Kind.OVERSEAS_IN, Kind.DOMESTIC, Kind.DOMESTIC),
    *(Kind.HOUSEHOLD_CHANGE, Kind.DOMESTIC, Kind.DOMESTIC, Kind.IN_CITY, Kind.DOMESTIC, Kind.DOMESTIC),
)
#: Everyone in the order of the resident record: head, spouse, children, a parent.
PLACES_IN_FAMILY = ("世帯主", "配偶者", "子", "子", "子", "母")


@dataclass(frozen=True, slots=True)
class Place:
    """A register office as an address needs it."""

    code: str
    prefecture: str
    city: str
    ward_of: str = ""  #: code of the designated city


class Invention:
    """Invents filings between the given places, the same ones for the same seed."""

    def __init__(self, places: Sequence[Place], today: date, seed: int) -> None:
        self.places, self.today = places, today
        self.random = random.Random(seed)  # noqa: S311 - invents samples, guards nothing
        self.by_prefecture: Mapping[str, list[Place]] = self._by_prefecture()

    def _by_prefecture(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for place in self.places:
            found.setdefault(place.prefecture, []).append(place)
        return found

    def filings(self, count: int) -> Iterator[Filing]:
        """Yield filings of every kind; origins and destinations go round all prefectures."""
        prefectures = sorted(self.by_prefecture)
        for number in range(count):
            origin = self.random.choice(self.by_prefecture[prefectures[number % len(prefectures)]])
            destination = self.other(prefectures[(number * 7 + 3) % len(prefectures)], origin)
            whole = self.filing(number, origin, destination)
            yield self.of_kind(KINDS[number % len(KINDS)], whole)

    def other(self, prefecture: str, than: Place) -> Place:
        """Return a place of the prefecture that is not the same municipality, nor a ward of the same city."""
        places = [place for place in self.by_prefecture[prefecture] if place.code != than.code]
        return self.random.choice([place for place in places if not (than.ward_of and place.ward_of == than.ward_of)])

    def of_kind(self, kind: Kind, filing: Filing) -> Filing:
        """Turn a move between two municipalities into one of this kind (the same people, other places and days)."""
        if kind is Kind.DOMESTIC:
            return filing
        changes: dict[str, Any] = {"kind": kind, "flow": Flow.NOT_APPLICABLE, "planned_out_on": None}
        if kind is Kind.OVERSEAS_OUT:
            changes |= {"planned_out_on": self.today, "living_from": None, "visit_on": None}
            changes["new_address"] = Address(country="USA", full_address="1-1 Sample Street, Springfield, USA")
        elif kind is Kind.OVERSEAS_IN:
            changes["old_address"] = Address(country="FRA", full_address="1 rue Exemple, Paris, France")
            changes["household_left"], changes["scope"] = HouseholdLeft(), Scope.WHOLE
        elif kind is Kind.IN_CITY:
            changes["old_address"] = self.address(self.place(filing.destination))
        elif kind is Kind.HOUSEHOLD_CHANGE:
            changes["old_address"] = filing.new_address
        elif kind is Kind.WARD_TO_WARD:
            wards = self.wards()
            if not wards:
                return filing
            left, entered = self.random.sample(self.random.choice(wards), 2)
            changes |= {"old_address": self.address(left), "new_address": self.address(entered)}
        return msgspec.structs.replace(filing, **changes)

    def place(self, code: str) -> Place:
        """Return the place of this code."""
        return next(place for place in self.places if place.code == code)

    def wards(self) -> list[list[Place]]:
        """Return the wards of each designated city of which at least two are among the places."""
        found: dict[str, list[Place]] = {}
        for place in self.places:
            if place.ward_of:
                found.setdefault(place.ward_of, []).append(place)
        return [wards for _, wards in sorted(found.items()) if len(wards) > 1]

    def filing(self, number: int, origin: Place, destination: Place) -> Filing:
        """Invent one household and its move."""
        foreign = number % 9 == 4
        size = 1 + number % 6
        flow = Flow.PAPER_CERT if number % 5 == 2 else Flow.CARD_SPECIAL
        part = number % 7 == 3
        domicile = (origin, destination, self.random.choice(self.places))[number % 3]
        movers = tuple(self.movers(number, size, domicile, foreign=foreign, card=flow is Flow.CARD_SPECIAL))
        head = movers[0].full_name
        return Filing(
            kind=Kind.DOMESTIC,
            flow=flow,
            scope=Scope.PART if part else Scope.WHOLE,
            planned_out_on=self.today + timedelta(days=self.random.randint(-5, 20)),
            living_from=self.today + timedelta(days=self.random.randint(-5, 20)),
            visit_on=self.today + timedelta(days=self.random.randint(0, 25)),
            # The front asked the adults; a citizen's page has the hub ask them.
            filer=Filer(consents_held=tuple(range(2, len(movers) + 1))),
            old_address=self.address(origin),
            new_address=self.address(destination),
            household_left=HouseholdLeft(
                head_name=head,
                head_moves=True,
                remaining_count=2 if part else 0,
                new_head_name="見本　残子" if part else "",
            ),
            household_joined=HouseholdJoined(head_name=head),
            movers=movers,
            contact=Contact(email=f"sample{number}@example.jp", phone="03-0000-0000", safe=number % 10 != 9),
            remarks="" if number % 4 else "窓口では手話通訳を希望します。",
        )

    def address(self, place: Place) -> Address:
        """Return a real town of the place with an invented lot and building."""
        town = self.random.choice(postal.places_in(place.code))
        block = f"{self.random.randint(1, 30)}番{self.random.randint(1, 20)}号"
        houses = ["", f"見本荘{self.random.randint(101, 909)}", f"レジデンス試験{self.random.randint(2, 40)}階"]
        building = self.random.choice(houses)
        return Address(
            local_government_code=place.code,
            postal_code=town.postal_code,
            prefecture=place.prefecture,
            city_and_county=place.city,
            street_address=town.town,
            city_block=block,
            building_name_etc=building,
            full_address=f"{place.prefecture}{place.city}{town.town}{block}{building}",
        )

    def movers(self, number: int, size: int, domicile: Place, *, foreign: bool, card: bool) -> Iterator[Mover]:
        """Yield the persons of one household."""
        family = FAMILY[number % len(FAMILY)]
        for index in range(size):
            relation = PLACES_IN_FAMILY[index]
            female = relation in ("配偶者", "母") or (relation == "子" and index % 2 == 0)
            words = {"配偶者": ("妻",), "世帯主": ("世帯主",)}.get(relation, (relation,))
            mover = Mover(
                ordinal=index + 1,
                sex=Sex.BLANK if (number + index) % 23 == 11 else Sex.FEMALE if female else Sex.MALE,
                relation_from=words,
                relation_to=words,
                presents_card=card and index == 0,
                coverage=Coverage(
                    national_health_insurance=number % 3 == 0,
                    pension=Pension.FIRST if index < 2 else Pension.BLANK,
                    child_allowance=relation == "子",
                ),
                **(self.foreigner(number, index) if foreign else self.citizen(number, index, family, domicile, female)),
            )
            yield mover

    def foreigner(self, number: int, index: int) -> dict[str, Any]:
        """Return the fields of a foreign resident: Latin name, Western calendar, residence status."""
        roman, kana, country = ROMAN[(number + index) % len(ROMAN)]
        born = self.birthday(index)
        return {
            "full_name": roman,
            "full_name_roman": roman,
            "full_name_kana": kana,
            "family_kana_status": KanaStatus.DECLARED,
            "given_kana_status": KanaStatus.DECLARED,
            "alternative_name": "見本　安奈" if number % 2 else "",
            "alternative_name_kana": "ミホン　アンナ" if number % 2 else "",
            "nationality": country,
            "residence": Residence(
                category="mid_long_term", status="永住者", expires_on=self.today + timedelta(days=900)
            ),
            "date_of_birth": UncertainDate(year=born.year, month=born.month, day=born.day, calendar=Calendar.WESTERN),
        }

    def citizen(
        self, number: int, index: int, family: tuple[str, str], domicile: Place, female: bool
    ) -> dict[str, Any]:
        """Return the fields of a Japanese citizen."""
        given = (GIVEN_FEMALE if female else GIVEN_MALE)[(number + index) % 5]
        former = index == 1 and number % 2 == 0
        return {
            "full_name": f"{family[0]}　{given[0]}",
            "full_name_kana": f"{family[1]}　{given[1]}",
            "family_kana_status": KanaStatus.CERTIFIED,
            "given_kana_status": KanaStatus.DECLARED,
            "former_family_name": "例示" if former else "",
            "former_family_name_kana": "レイジ" if former else "",
            "nationality": "JPN",
            "registry": Registry(
                local_government_code=domicile.code,
                domicile=f"{domicile.prefecture}{domicile.city}見本一丁目１番地",
                head_of_register=f"{family[0]}　太郎",
            ),
            "date_of_birth": self.born(number, index),
        }

    def birthday(self, index: int) -> date:
        """Return a day of birth that suits the place in the family."""
        age = {0: 40, 1: 38, 5: 70}.get(index, 12 - 2 * index)
        return self.today - timedelta(days=age * 365 + self.random.randint(0, 300))

    def born(self, number: int, index: int) -> UncertainDate:
        """Return a birth date; of some old persons only the year is known."""
        day = self.birthday(index)
        if index == 5 or number % 19 == 7:
            year = 1950
            return UncertainDate(year=year, precision=Precision.YEAR, display_text="昭和25年頃")
        return UncertainDate(year=day.year, month=day.month, day=day.day)
