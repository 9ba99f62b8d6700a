"""The canonical record: what one municipality is told about one relocation.

JSON names follow the core data model of the Government Interoperability Framework (GIF 431 Person,
432 ContactPoint, 433 Address; https://github.com/JDA-DM/GIF); what GIF lacks is named in its style.
Names are kept exactly as filed: never normalized, trimmed or upper-cased.
"""

from datetime import date
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What kind of move a relocation is."""

    DOMESTIC = "DOMESTIC"  #: 転出・転入 between two municipalities
    IN_CITY = "IN_CITY"  #: 転居
    WARD_TO_WARD = "WARD_TO_WARD"  #: 区間異動
    OVERSEAS_OUT = "OVERSEAS_OUT"  #: 国外転出
    OVERSEAS_IN = "OVERSEAS_IN"  #: 国外からの転入
    HOUSEHOLD_CHANGE = "HOUSEHOLD_CHANGE"  #: 世帯変更


class Flow(StrEnum):
    """How the move-out certificate travels (Basic Resident Register Act, Arts. 22 and 24-2)."""

    CARD_SPECIAL = "CARD_SPECIAL"  #: 特例転出・特例転入: data by the statutory line, card at the counter
    PAPER_CERT = "PAPER_CERT"  #: paper certificate (転出証明書)
    EX_OFFICIO = "EX_OFFICIO"  #: 職権
    NOT_APPLICABLE = "NOT_APPLICABLE"


class Scope(StrEnum):
    """Whether the whole household moves or part of it."""

    WHOLE = "WHOLE"  #: 全部
    PART = "PART"  #: 一部


class Role(StrEnum):
    """What a municipality is to the movers."""

    ORIGIN = "origin"  #: 転出地
    DESTINATION = "destination"  #: 転入地
    DOMICILE = "domicile"  #: 本籍地
    LAST_REGISTERED = "last_registered"  #: 最終住民登録地


class Sex(StrEnum):
    """ISO 5218 as GIF uses it; a resident record may also leave it blank."""

    UNKNOWN = "0"
    MALE = "1"
    FEMALE = "2"
    NOT_APPLICABLE = "9"
    BLANK = ""


class Precision(StrEnum):
    """How much of a date is known."""

    DAY = "DAY"
    MONTH = "MONTH"
    YEAR = "YEAR"
    NONE = "NONE"


class Calendar(StrEnum):
    """The calendar a date is recorded in: Japanese eras for citizens, Western for foreign residents."""

    WAREKI = "WAREKI"
    WESTERN = "WESTERN"


class KanaStatus(StrEnum):
    """Whether a reading was declared by the citizen or is certified in the register."""

    DECLARED = "DECLARED"
    CERTIFIED = "CERTIFIED"
    UNKNOWN = "UNKNOWN"


class Pension(StrEnum):
    """National pension category (国民年金の種別); blank when not insured or not asked."""

    FIRST = "1"
    SECOND = "2"
    THIRD = "3"
    BLANK = ""


class PreferredName(StrEnum):
    """Which name is used for the person (氏名優先区分)."""

    NAME = "NAME"
    ALIAS = "ALIAS"  #: 通称


class Reason(StrEnum):
    """Why a record is entered, deleted or amended (異動事由, resident-record standard 1.2.2)."""

    BLANK = ""
    DOMESTIC_IN = "DOMESTIC_IN"  #: 国内転入
    OVERSEAS_IN = "OVERSEAS_IN"  #: 国外転入等
    BIRTH = "BIRTH"  #: 出生
    NATURALIZED_IN = "NATURALIZED_IN"  #: 職権記載（帰化等）
    NATIONALITY_LOST_IN = "NATIONALITY_LOST_IN"  #: 職権記載（国籍喪失）
    EX_OFFICIO_IN = "EX_OFFICIO_IN"  #: 職権記載
    CANCEL_ADD = "CANCEL_ADD"  #: 異動の取消し（増）
    DOMESTIC_OUT = "DOMESTIC_OUT"  #: 国内転出
    OVERSEAS_OUT = "OVERSEAS_OUT"  #: 国外転出
    DEATH = "DEATH"  #: 死亡
    NATURALIZED_OUT = "NATURALIZED_OUT"  #: 職権消除（帰化等）
    NATIONALITY_LOST_OUT = "NATIONALITY_LOST_OUT"  #: 職権消除（国籍喪失）
    EX_OFFICIO_OUT = "EX_OFFICIO_OUT"  #: 職権消除
    CANCEL_REMOVE = "CANCEL_REMOVE"  #: 異動の取消し（減）
    IN_CITY = "IN_CITY"  #: 転居
    MINOR = "MINOR"  #: 軽微な修正
    EX_OFFICIO_AMENDED = "EX_OFFICIO_AMENDED"  #: 職権修正
    ERROR_CORRECTED = "ERROR_CORRECTED"  #: 誤記修正
    HOUSEHOLD_SPLIT = "HOUSEHOLD_SPLIT"  #: 世帯分離
    HOUSEHOLD_MERGED = "HOUSEHOLD_MERGED"  #: 世帯合併
    HOUSEHOLD_CHANGED = "HOUSEHOLD_CHANGED"  #: 世帯変更
    HEAD_CHANGED = "HEAD_CHANGED"  #: 世帯主変更
    CANCEL_AMENDED = "CANCEL_AMENDED"  #: 異動の取消し（修正）


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of all canonical records: immutable, camelCase in JSON, unknown members refused."""


class UncertainDate(Record, frozen=True):
    """A date that may be partly unknown or impossible and still round-trips (juki standard 1.1.8).

    ``year``, ``month`` and ``day`` are what is recorded (``None`` = unknown), in the Western calendar;
    they need not form a real day (29 February of a common year). ``display_text`` is the text to print
    when the parts alone do not say it (「昭和20年頃」), else empty.
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None
    precision: Precision = Precision.DAY
    calendar: Calendar = Calendar.WAREKI
    display_text: str = ""


class Address(Record, frozen=True):
    """GIF 433 Address. ``full_address`` is the text as filed and wins over its parts."""

    local_government_code: str = ""  #: 6 digits with check digit
    street_address_id: str = ""  #: 町字ID, 7 digits, when known
    postal_code: str = ""  #: 7 digits, no hyphen
    prefecture: str = ""
    city_and_county: str = ""
    street_address: str = ""  #: 町字
    city_block: str = ""  #: 番地以下
    building_name_etc: str = ""  #: 方書
    full_address: str = ""
    country: str = ""  #: ISO 3166-1 alpha-3 of an address abroad; blank in Japan


class Residence(Record, frozen=True):
    """Status of a foreign resident (Act Art. 30-45); the card number itself is never kept."""

    category: str = ""  #: 第30条の45規定区分, hub's word: "mid_long_term", "special_permanent", …
    status: str = ""  #: 在留資格, the words on the card
    expires_on: date | None = None  #: 在留期間満了日


class Registry(Record, frozen=True):
    """Family register (戸籍の表示); Japanese citizens only."""

    local_government_code: str = ""  #: the municipality of the domicile of record (本籍地)
    domicile: str = ""  #: 本籍 as text
    head_of_register: str = ""  #: 筆頭者


class Coverage(Record, frozen=True):
    """Insurance and benefits the mover says to have (Order Art. 23(2)); each is a separate scheme."""

    national_health_insurance: bool = False
    elderly_medical_care: bool = False
    long_term_care: bool = False
    pension: Pension = Pension.BLANK
    child_allowance: bool = False


class Mover(Record, frozen=True):
    """One person who moves (異動者). GIF 431 Person with its extensions."""

    ordinal: int  #: 1, 2, …: order in the filing; identifies the mover inside one relocation
    full_name: str = ""  #: 氏名 as filed, original sequence with variation selectors
    full_name_kana: str = ""  #: 氏名フリガナ, family and given joined by U+3000 when both known
    family_kana_status: KanaStatus = KanaStatus.UNKNOWN
    given_kana_status: KanaStatus = KanaStatus.UNKNOWN
    full_name_roman: str = ""  #: 氏名_外国人ローマ字
    full_name_kanji: str = ""  #: 氏名_外国人漢字
    former_family_name: str = ""  #: 旧氏
    former_family_name_kana: str = ""
    alternative_name: str = ""  #: 通称
    alternative_name_kana: str = ""
    #: Of the alias: one text an entry, «2019-05-01 012025 記載 見本太郎» (Order Art. 30-26); carried along by a move.
    alternative_name_history: tuple[str, ...] = ()
    preferred_name: PreferredName = PreferredName.NAME
    date_of_birth: UncertainDate | None = None
    sex: Sex = Sex.BLANK
    relation_from: tuple[str, ...] = ()  #: 続柄 in the household left: chain of up to four words
    relation_to: tuple[str, ...] = ()  #: 続柄 in the household joined
    nationality: str = ""  #: ISO 3166-1 alpha-3, "JPN" for citizens
    residence: Residence | None = None
    registry: Registry | None = None
    leaves_on: date | None = None  #: planned day of leaving, when it is not the filing's
    arrives_on: date | None = None  #: planned day of moving in, when it is not the filing's
    presents_card: bool = False  #: will show the Individual Number Card at the counter
    coverage: Coverage | None = None
    under_guardianship: bool = False


class HouseholdLeft(Record, frozen=True):
    """The household at the old address, as far as the origin must know."""

    head_name: str = ""  #: 世帯主氏名
    head_moves: bool = True
    remaining_count: int = 0  #: persons who stay
    new_head_name: str = ""  #: head of those who stay, when the head moves


class HouseholdJoined(Record, frozen=True):
    """The household at the new address."""

    head_name: str = ""
    existing: bool = False  #: the movers join a household that already lives there
    head_unset: bool = False  #: 世帯主未設定: a permitted state (resident-record standard 1.1.10)


class Contact(Record, frozen=True):
    """How the filer may be reached; ``safe`` False = never write or call."""

    email: str = ""
    phone: str = ""
    language: str = "ja"
    safe: bool = True


class Task(Record, frozen=True):
    """A follow-on procedure that a department is asked to open or to drop (messages 40 and 42)."""

    procedure: str = ""  #: id of the rule, "F01" …
    title: str = ""
    department: str = ""
    due_on: date | None = None
    #: Papers that the origin handed over for it (message 16), by reference: «1:4500-12 2:4500-13», by mover.
    documents: str = ""


class Notice(Record, frozen=True):
    """What one municipality is told: only what its role may know (disclosure matrix)."""

    notice_id: str  #: the delivery's UUID; never changes across retries, replays and re-issues
    type: str  #: message catalogue type, e.g. "moveout.submitted"
    receipt_no: str  #: 受付番号 of the relocation
    version: int  #: version of the relocation
    recipient: str  #: 6-digit code
    role: Role
    kind: Kind = Kind.DOMESTIC
    flow: Flow = Flow.CARD_SPECIAL
    scope: Scope = Scope.WHOLE
    filed_on: date | None = None  #: 届出日
    planned_out_on: date | None = None  #: 転出予定年月日
    living_from: date | None = None  #: 住み始める日 (planned)
    visit_on: date | None = None  #: planned visit at the destination's counter
    actual_in_on: date | None = None  #: 転入年月日, only from a destination's decision
    effective_on: date | None = None  #: legal date of the decision that is told (消除, 取消し, 修正)
    reason: Reason = Reason.BLANK  #: 異動事由
    refers_to: str = ""  #: id of the notice or report that is corrected, cancelled, recalled or asked about
    origin: str = ""
    destination: str = ""
    last_registered: str = ""  #: 最終住民登録地, when unfiled stays lie between
    protected: bool = False  #: to be handled under protection measures (支援措置); no reason is ever told
    contact_office: str = ""  #: whom to ask about a protected person
    old_address: Address | None = None
    new_address: Address | None = None
    household_left: HouseholdLeft | None = None
    household_joined: HouseholdJoined | None = None
    contact: Contact | None = None
    task: Task | None = None
    person_count: int = 0
    movers: tuple[Mover, ...] = ()
    remarks: str = ""
