"""Sample notices: ONE and OTHER differ in every value; HARD ones hold what breaks layouts. No real person."""

from datetime import date

import msgspec

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
    Notice,
    Pension,
    Precision,
    PreferredName,
    Reason,
    Registry,
    Residence,
    Role,
    Scope,
    Sex,
    Task,
    UncertainDate,
)

SAMPLE_TARO = Mover(
    ordinal=1,
    full_name="見本　𠮷郎",
    full_name_kana="ミホン　ヨシロウ",
    family_kana_status=KanaStatus.CERTIFIED,
    given_kana_status=KanaStatus.DECLARED,
    full_name_roman="MIHON YOSHIRO",
    full_name_kanji="見本　吉郎",
    former_family_name="髙見本",
    former_family_name_kana="タカミホン",
    alternative_name="見本　﨑夫",
    alternative_name_kana="ミホン　サキオ",
    alternative_name_history=("2019-05-01 012025 記載 見本　﨑夫",),
    preferred_name=PreferredName.ALIAS,
    leaves_on=date(2026, 3, 30),
    arrives_on=date(2026, 4, 2),
    date_of_birth=UncertainDate(year=1945, month=3, precision=Precision.MONTH, display_text="昭和20年3月頃"),
    sex=Sex.MALE,
    relation_from=("世帯主",),
    relation_to=("妻", "子"),
    nationality="JPN",
    residence=Residence(category="special_permanent", status="特別永住者", expires_on=date(2031, 12, 31)),
    registry=Registry(
        local_government_code="131016", domicile="東京都千代田区見本町一番地", head_of_register="見本　𠮷郎"
    ),
    presents_card=True,
    coverage=Coverage(
        national_health_insurance=True,
        elderly_medical_care=True,
        long_term_care=True,
        pension=Pension.FIRST,
        child_allowance=True,
    ),
    under_guardianship=True,
)

#: A foreign resident: Latin name, alias, Western calendar, no family register.
SAMPLE_JANE = Mover(
    ordinal=2,
    full_name="ＳＡＭＰＬＥ　ＪＡＮＥ",
    full_name_kana="サンプル　ジェーン",
    given_kana_status=KanaStatus.DECLARED,
    full_name_roman="SAMPLE JANE",
    alternative_name="見本　神子",  # 神 is U+FA19, which normalization would turn into U+795E
    alternative_name_kana="ミホン　カミコ",
    date_of_birth=UncertainDate(year=1990, month=2, day=28, calendar=Calendar.WESTERN),
    sex=Sex.FEMALE,
    relation_from=("妻（未届）",),
    relation_to=("縁故者",),
    nationality="XXX",
    residence=Residence(category="mid_long_term", status="永住者"),
    coverage=Coverage(),
)

ONE = Notice(
    notice_id="01970000-0000-7000-8000-000000000001",
    type="movein.notice",
    receipt_no="00TEST00000017",
    version=1,
    recipient="012025",
    role=Role.ORIGIN,
    kind=Kind.DOMESTIC,
    flow=Flow.CARD_SPECIAL,
    scope=Scope.PART,
    filed_on=date(2026, 3, 10),
    planned_out_on=date(2026, 3, 31),
    living_from=date(2026, 4, 1),
    visit_on=date(2026, 4, 3),
    actual_in_on=date(2026, 4, 2),
    effective_on=date(2026, 4, 5),
    reason=Reason.DOMESTIC_IN,
    refers_to="01970000-0000-7000-8000-0000000000a1",
    origin="012025",
    destination="131016",
    last_registered="011002",
    protected=True,
    contact_office="市民課　見本担当",
    old_address=Address(
        local_government_code="012025",
        street_address_id="0001000",
        postal_code="0400001",
        prefecture="北海道",
        city_and_county="函館市",
        street_address="見本町",
        city_block="１番２号",
        building_name_etc="見本荘１０１",
        full_address="北海道函館市見本町１番２号　見本荘１０１",
        country="KOR",
    ),
    new_address=Address(
        local_government_code="131016",
        street_address_id="0056000",
        postal_code="1020094",
        prefecture="東京都",
        city_and_county="千代田区",
        street_address="紀尾井町",
        city_block="０番０号",
        building_name_etc="試験ビル２０２",
        full_address="東京都千代田区紀尾井町０番０号　試験ビル２０２",
        country="FRA",
    ),
    household_left=HouseholdLeft(
        head_name="見本　𠮷郎", head_moves=True, remaining_count=1, new_head_name="見本　花子"
    ),
    household_joined=HouseholdJoined(head_name="試験　花子", existing=True, head_unset=True),
    contact=Contact(email="taro@example.invalid", phone="000-0000-0001", language="ja", safe=True),
    task=Task(
        procedure="F01",
        title="国民健康保険の加入",
        department="国保年金課",
        due_on=date(2026, 4, 16),
        documents="1:K-4500",
    ),
    person_count=2,
    movers=(SAMPLE_TARO, SAMPLE_JANE),
    remarks="見本、「試験」です。",
)

#: Every value of ONE and of its first mover, differently.
OTHER = Notice(
    notice_id="01970000-0000-7000-8000-000000000002",
    type="arrival.prefill",
    receipt_no="00TEST00000025",
    version=2,
    recipient="131016",
    role=Role.DESTINATION,
    kind=Kind.WARD_TO_WARD,
    flow=Flow.PAPER_CERT,
    scope=Scope.WHOLE,
    filed_on=date(2025, 2, 9),
    planned_out_on=date(2025, 2, 28),
    living_from=date(2025, 3, 1),
    visit_on=date(2025, 3, 5),
    actual_in_on=date(2025, 3, 2),
    effective_on=date(2025, 3, 4),
    reason=Reason.ERROR_CORRECTED,
    refers_to="01970000-0000-7000-8000-0000000000a2",
    origin="011011",
    destination="271004",
    last_registered="131016",
    contact_office="区民課",
    old_address=Address(
        local_government_code="011011",
        street_address_id="0002000",
        postal_code="0600042",
        prefecture="宮城県",
        city_and_county="札幌市中央区",
        street_address="試験通",
        city_block="３丁目",
        building_name_etc="試験館３",
        full_address="北海道札幌市中央区試験通３丁目",
        country="TWN",
    ),
    new_address=Address(
        local_government_code="271004",
        street_address_id="0003000",
        postal_code="5300001",
        prefecture="大阪府",
        city_and_county="大阪市北区",
        street_address="試験町",
        city_block="４番地",
        building_name_etc="見本楼",
        full_address="大阪府大阪市北区試験町４番地",
        country="USA",
    ),
    household_left=HouseholdLeft(
        head_name="試験　太郎", head_moves=False, remaining_count=3, new_head_name="試験　次郎"
    ),
    household_joined=HouseholdJoined(head_name="見本　次郎", existing=False, head_unset=False),
    contact=Contact(email="hanako@example.invalid", phone="000-0000-0002", language="en", safe=False),
    task=Task(
        procedure="F10",
        title="児童手当の認定請求",
        department="子育て支援課",
        due_on=date(2025, 3, 17),
        documents="1:77/12 2:77/13",
    ),
    person_count=1,
    movers=(
        Mover(
            ordinal=3,
            full_name="試験　花子",
            full_name_kana="シケン　ハナコ",
            family_kana_status=KanaStatus.DECLARED,
            given_kana_status=KanaStatus.CERTIFIED,
            full_name_roman="SHIKEN HANAKO",
            full_name_kanji="試験　華子",
            former_family_name="邉試験",
            former_family_name_kana="ナベシケン",
            alternative_name="試験　栁子",
            alternative_name_kana="シケン　ヤナコ",
            alternative_name_history=("2020-06-02 131016 削除 試験　栁子",),
            leaves_on=date(2025, 2, 27),
            arrives_on=date(2025, 3, 3),
            date_of_birth=UncertainDate(
                year=1912, month=7, day=30, calendar=Calendar.WESTERN, display_text="明治45年7月30日"
            ),
            sex=Sex.BLANK,
            relation_from=("子", "子", "子", "子"),
            relation_to=("同居人",),
            nationality="TWN",
            residence=Residence(category="mid_long_term", status="留学", expires_on=date(2027, 1, 1)),
            registry=Registry(local_government_code="473821", domicile="沖縄県", head_of_register="試験　次郎"),
            presents_card=False,
            coverage=Coverage(pension=Pension.THIRD),
            under_guardianship=False,
        ),
    ),
    remarks="試験",
)

#: Announces a visit: few details, nobody named.
NOBODY = Notice(
    notice_id="01970000-0000-7000-8000-000000000003",
    type="arrival.planned",
    receipt_no="00TEST00000033",
    version=1,
    recipient="131016",
    role=Role.DESTINATION,
    visit_on=date(2026, 4, 3),
    person_count=4,
)


def named(*names: str, **changes: object) -> Notice:
    """A notice about people of these names."""
    movers = tuple(Mover(ordinal=number, full_name=name) for number, name in enumerate(names, 1))
    return msgspec.structs.replace(NOBODY, type="arrival.prefill", movers=movers, **changes)


#: name → a notice that every layout must carry, if need be with recorded fallbacks
HARD = {
    "nobody": NOBODY,
    "blank person": named(""),
    "compatibility ideographs": named("見本　神子", "﨑試験　德子", "髙橋　濵子"),
    "beyond the basic plane": named("𠮷試験　𣘺子"),
    "wave dash and minus": named("見本　花子", remarks="１〜２−３‖４"),
    "half width in full": named("SAMPLE JOHN", remarks='1-2-3 "A"\r\n<b>&amp;</b>,;'),
    "spaces at the ends": named("　見本　花子　", remarks=" 試験 "),
    "voiced marks apart": named("見本", remarks="カ゛ﾊﾟ"),
    "empty parts": named("見本　花子", old_address=Address(), new_address=Address()),
    "empty parts of a person": msgspec.structs.replace(
        NOBODY,
        movers=(
            Mover(
                ordinal=1,
                date_of_birth=UncertainDate(),
                residence=Residence(),
                registry=Registry(),
                coverage=Coverage(),
            ),
        ),
    ),
    "impossible day": msgspec.structs.replace(
        NOBODY, movers=(Mover(ordinal=1, date_of_birth=UncertainDate(year=1989, month=2, day=29)),)
    ),
    "unknown birth": msgspec.structs.replace(
        NOBODY,
        movers=(
            Mover(ordinal=1, date_of_birth=UncertainDate(precision=Precision.NONE, display_text="年月日不詳")),
            Mover(
                ordinal=2,
                date_of_birth=UncertainDate(year=1945, precision=Precision.YEAR, display_text="昭和20年春"),
            ),
            Mover(
                ordinal=3,
                date_of_birth=UncertainDate(year=1926, month=12, day=25, display_text="大正15年12月25日"),
            ),
        ),
    ),
}

#: Names that a limited encoding cannot hold and that no table settles alone: a person decides.
UNDECIDED = {
    "a selector of another collection": named("渡邉\U000e0100　花子"),
    "several candidates": named("渡邉\U000e010f　花子"),
    "no candidate": named("見本　𠮟子"),
    "private use": named("見本　\ue0f3子"),
}
