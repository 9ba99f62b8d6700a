"""Generated notices: the whole value space that layouts must carry, and texts that nobody foresaw."""

from datetime import date

from hypothesis import strategies as st

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
from municipalities.standard.sources import vocabularies

#: Characters of names: ordinary, of CP932's extensions, compatibility ideographs, beyond the basic plane, with
#: a selector. Each can be written everywhere, if need be by its one lawful substitute.
CHARACTERS = [
    *"見本試験太郎花子一二三　髙﨑邉邊德濵栁桒靑黑瀨々ヶー",
    *("\ufa10", "\ufa19", "\ufa4e"),  # 塚 神 海, which normalization would turn into others
    *("𠮷", "𡈽", "𣘺", "㐂", "斉\U000e0103"),
]
#: For some layouts a person must choose between several of these, or there is none.
HARDER = ["①", "㈱", "槗", "𠮟", "辻\U000e0101", "邉\U000e0100", "\ue0f3"]
KANA = [*"ミホンシケンタロウハナコガギグパピヴャュョッー・　", "ヰ", "ヮ", "み"]
LATIN = [*"ABCXYZ abcxyz'-."]
SENTENCE = [*CHARACTERS, *LATIN, *"0123456789，、。「」()<>&\"'\\;,\n〜−～－"]


def words(alphabet: list[str], most: int) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(alphabet), max_size=most).map("".join)


def digits(length: int) -> st.SearchStrategy[str]:
    return st.just("") | st.from_regex(f"[0-9]{{{length}}}", fullmatch=True)


def chains(least: int, most: int) -> st.SearchStrategy[tuple[str, ...]]:
    """Relationships of so many words; the standard knows four (1.1.11)."""
    first = st.sampled_from(sorted(vocabularies()["relation"]))
    rest = st.lists(st.sampled_from([*"子父母兄姉弟妹妻夫"]), min_size=least - 1, max_size=most - 1)
    return st.builds(lambda word, more: (word, *more), first, rest)


def days() -> st.SearchStrategy[date]:
    return st.dates(date(1900, 1, 1), date(2099, 12, 31))


def relations() -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | chains(1, 4)


def births() -> st.SearchStrategy[UncertainDate]:
    """Known, partly known and unknown; impossible days; parts that say more than the precision."""
    texts = [
        *("", "昭和20年頃", "推定明治45年7月30日", "昭和64年春", "平成元年月日不詳", "大正15年12月25日"),
        *("年月日不詳", "令和3年 月日不詳", "令和3年4月 日不詳", "令和3年4月5日から6月7日頃までの間"),
        *("昭和64年1月8日", "平成32年4月1日"),  # no such day in that era: what old systems went on counting
    ]
    changeovers = [(1912, 7, 30), (1926, 12, 25), (1989, 1, 7), (1989, 1, 8), (2019, 4, 30), (1989, 2, 29)]
    optional = st.builds(
        lambda *parts: parts,
        st.none() | st.integers(1869, 2099),
        st.none() | st.integers(1, 13),
        st.none() | st.integers(1, 31),
    )
    return st.builds(
        lambda parts, precision, calendar, text: UncertainDate(
            year=parts[0],
            month=parts[1],
            day=parts[2],
            precision=precision,
            calendar=calendar,
            display_text=text,
        ),
        st.sampled_from(changeovers) | optional,
        st.sampled_from(Precision),
        st.sampled_from(Calendar),
        st.sampled_from(texts),
    )


def addresses() -> st.SearchStrategy[Address]:
    return st.builds(
        Address,
        local_government_code=digits(6),
        street_address_id=digits(7),
        postal_code=digits(7),
        prefecture=words([*"東京都北海道"], 4),
        city_and_county=words(CHARACTERS, 12),
        street_address=words(CHARACTERS, 50),
        city_block=words([*"０１２番地号-－−"], 40),
        building_name_etc=words(SENTENCE, 80),
        full_address=words(SENTENCE, 100),
        country=st.sampled_from(["", "USA", "BRA"]),
    )


def movers() -> st.SearchStrategy[Mover]:
    name, kana = words(CHARACTERS, 25), words(KANA, 25)
    return st.builds(
        Mover,
        ordinal=st.integers(1, 99),
        full_name=name,
        full_name_kana=kana,
        family_kana_status=st.sampled_from(KanaStatus),
        given_kana_status=st.sampled_from(KanaStatus),
        full_name_roman=words(LATIN, 60),
        full_name_kanji=name,
        former_family_name=name,
        former_family_name_kana=kana,
        alternative_name=name,
        alternative_name_kana=kana,
        alternative_name_history=st.lists(words(CHARACTERS, 25).filter(bool), max_size=4).map(tuple),
        preferred_name=st.sampled_from(PreferredName),
        leaves_on=st.none() | days(),
        arrives_on=st.none() | days(),
        date_of_birth=st.none() | births(),
        sex=st.sampled_from(Sex),
        relation_from=relations(),
        relation_to=relations(),
        nationality=st.sampled_from(["", "JPN", "XXX", "TWN"]),
        residence=st.none()
        | st.builds(
            Residence,
            category=st.sampled_from(["", *sorted(vocabularies()["residence"])]),
            status=words([*"永住者留学技術・人文知識"], 40),
            expires_on=st.none() | days(),
        ),
        registry=st.none()
        | st.builds(Registry, local_government_code=digits(6), domicile=words(SENTENCE, 40), head_of_register=name),
        presents_card=st.booleans(),
        coverage=st.none()
        | st.builds(
            Coverage,
            national_health_insurance=st.booleans(),
            elderly_medical_care=st.booleans(),
            long_term_care=st.booleans(),
            pension=st.sampled_from(Pension),
            child_allowance=st.booleans(),
        ),
        under_guardianship=st.booleans(),
    )


@st.composite
def notices(draw: st.DrawFn) -> Notice:
    """A notice about 0–6 people, with any of its parts missing or empty."""
    day, name = st.none() | days(), words(CHARACTERS, 12)
    head = st.builds(
        Notice,
        notice_id=st.uuids().map(str),
        type=st.sampled_from(sorted(vocabularies()["notice"])),
        receipt_no=st.from_regex("[0-9A-Z]{14}", fullmatch=True),
        version=st.integers(1, 99),
        recipient=digits(6),
        role=st.sampled_from(Role),
        kind=st.sampled_from(Kind),
        flow=st.sampled_from(Flow),
        scope=st.sampled_from(Scope),
        filed_on=day,
        planned_out_on=day,
        living_from=day,
        visit_on=day,
        actual_in_on=day,
        effective_on=day,
        reason=st.sampled_from(Reason),
        refers_to=st.just("") | st.uuids().map(str),
        last_registered=digits(6),
        protected=st.booleans(),
        contact_office=name,
        origin=digits(6),
        destination=digits(6),
        old_address=st.none() | addresses(),
        new_address=st.none() | addresses(),
        household_left=st.none()
        | st.builds(
            HouseholdLeft,
            head_name=name,
            head_moves=st.booleans(),
            remaining_count=st.integers(0, 99),
            new_head_name=name,
        ),
        household_joined=st.none()
        | st.builds(HouseholdJoined, head_name=name, existing=st.booleans(), head_unset=st.booleans()),
        contact=st.none()
        | st.builds(Contact, email=words(LATIN, 20), language=st.sampled_from(["", "ja", "en"]), safe=st.booleans()),
        task=st.none() | st.builds(Task, procedure=st.sampled_from(["", "F01"]), title=name, due_on=day),
        person_count=st.integers(0, 99),
        movers=st.lists(movers(), max_size=6).map(tuple),
        remarks=words(SENTENCE, 60),
    )
    return draw(head)


@st.composite
def any_text_notices(draw: st.DrawFn) -> Notice:
    """A notice whose texts are anything that Unicode has, lone surrogates and controls included."""
    text = st.text(st.characters(exclude_categories=()), max_size=12) | st.text(
        "か゛カﾞ\u3099\ue0f3\ufe00邉 　", max_size=8
    )
    text |= words([*CHARACTERS, *HARDER], 8)
    mover = st.builds(
        Mover,
        ordinal=st.just(1),
        full_name=text,
        full_name_kana=text,
        full_name_roman=text,
        date_of_birth=st.none(),
        residence=st.none(),
        registry=st.none(),
        coverage=st.none(),
    )
    return Notice(
        notice_id="01970000-0000-7000-8000-000000000009",
        type="arrival.prefill",
        receipt_no="00TEST00000091",
        version=1,
        recipient="131016",
        role=Role.DESTINATION,
        movers=(draw(mover),),
        remarks=draw(text),
        new_address=Address(full_address=draw(text)),
    )
