"""The notice of the golden samples, and what clerks decided where a layout cannot hold it. No real person.

``python -m tests.golden NAME…`` writes the samples of these standards anew: print them decoded and read them
before they are committed, for they are what a receiver signs off.
"""

import sys
from datetime import date

from msgspec.structs import replace

from municipalities import standard
from municipalities.characters import Decisions
from municipalities.notice import (
    Calendar,
    Contact,
    Coverage,
    HouseholdJoined,
    HouseholdLeft,
    KanaStatus,
    Mover,
    Notice,
    Pension,
    Precision,
    PreferredName,
    Registry,
    Residence,
    Sex,
    UncertainDate,
)
from tests.samples import ONE, SAMPLE_JANE, SAMPLE_TARO

#: 邉 with the first selector of another collection, and 神 of U+FA19, which normalization would turn into U+795E.
NABE = "渡邉\U000e0100　\ufa19子"
#: Sixty letters with their spaces, as a residence card may have them.
LATIN = "MAXIMILIANE ALEXANDRA THEODORA CHRISTINA WILHELMINA SPECIMEN"

YOSHIKO = replace(
    SAMPLE_TARO,
    full_name="髙橋　𠮷子",
    full_name_kana="タカハシ　ヨシコ",
    full_name_roman="TAKAHASHI YOSHIKO",
    full_name_kanji="髙橋　吉子",
    former_family_name="﨑",
    former_family_name_kana="サキ",
    alternative_name="見本　﨑子",
    alternative_name_kana="ミホン　サキコ",
    alternative_name_history=("2019-05-01 012025 記載 見本　﨑子", "2021-07-01 012025 削除 見本　靑子"),
    date_of_birth=UncertainDate(year=1945, precision=Precision.YEAR, display_text="昭和20年頃"),
    sex=Sex.FEMALE,
    coverage=Coverage(national_health_insurance=True, long_term_care=True, pension=Pension.FIRST),
    registry=Registry(
        local_government_code="131016", domicile="東京都千代田区見本町一番地", head_of_register="髙橋　𠮷郎"
    ),
)
KAMIKO = Mover(
    ordinal=2,
    full_name=NABE,
    full_name_kana="ワタナベ　カミコ",
    family_kana_status=KanaStatus.CERTIFIED,
    date_of_birth=UncertainDate(year=1912, month=7, day=30, display_text="明治45年7月30日"),
    relation_from=("子", "子", "子", "子"),
    relation_to=("縁故者",),
    nationality="JPN",
    coverage=Coverage(national_health_insurance=True, elderly_medical_care=True),
    registry=Registry(local_government_code="473821", domicile="沖縄県八重山郡与那国町見本", head_of_register=NABE),
)
MAXIMILIANE = replace(
    SAMPLE_JANE,
    ordinal=3,
    full_name_roman=LATIN,
    date_of_birth=UncertainDate(year=1988, month=2, day=29, calendar=Calendar.WESTERN),
    preferred_name=PreferredName.ALIAS,
    residence=Residence(category="mid_long_term", status="技術・人文知識・国際業務", expires_on=date(2027, 3, 31)),
    coverage=Coverage(long_term_care=True, pension=Pension.THIRD, child_allowance=True),
)

#: Neighbours in a layout differ in some mover, so that two items that were swapped show.
GOLDEN: Notice = replace(
    ONE,
    notice_id="01970000-0000-7000-8000-00000000000a",
    receipt_no="00TEST00000108",
    household_left=HouseholdLeft(head_name="髙橋　𠮷郎", remaining_count=2, new_head_name=NABE),
    household_joined=HouseholdJoined(head_name="﨑　\ufa19子", existing=True),
    contact=Contact(email="yoshiko@example.invalid", phone="000-0000-0003"),
    person_count=3,
    movers=(YOSHIKO, KAMIKO, MAXIMILIANE),
    remarks="見本、「試験」です。１−２〜３ ABC",
)

#: (target, text as filed) → the text that a clerk let be written, the same shape without its selector. Nobody is
#: asked about the others: 髙 𠮷 﨑 and U+FA19 have one lawful substitute each where a layout lacks them.
DECIDED: Decisions = {(target, NABE): "渡邉　\ufa19子" for target in ("cp932", "cp932/wide", "jisx0213", "mj")} | {
    (target, NABE): "渡邉　神子" for target in ("jisx0208", "jisx0212")
}


def main(names: list[str]) -> None:
    for name in names:
        layout = standard.load(name)
        layout.sample.write_bytes(layout.write(GOLDEN, DECIDED).content)


if __name__ == "__main__":
    main(sys.argv[1:])
