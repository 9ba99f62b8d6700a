"""Who is told what: for every notice and role, no field beyond the matrix, in the record and in the town's bytes.

The expectation is written here by hand from the law's text and the matrix, not read from the table under test.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest

from hub.relocations import notices, tables
from hub.relocations.filing import Filing
from municipalities import standard
from municipalities.notice import Flow, Kind, Mover, Notice, Reason, Role
from tests import samples

ENVELOPE = {"notice_id", "type", "receipt_no", "version", "recipient", "role", "movers", "movers.ordinal"}
ROUTING = {"kind", "flow", "origin", "destination", "person_count"}
#: Whatever identifies or describes a person, and both may work with.
PERSON = {
    "full_name", "full_name_kana", "family_kana_status", "given_kana_status", "full_name_roman", "full_name_kanji",
    "former_family_name", "former_family_name_kana", "alternative_name", "alternative_name_kana",
    "alternative_name_history", "preferred_name", "leaves_on", "arrives_on", "date_of_birth", "sex", "nationality",
    "residence", "registry", "presents_card", "coverage", "under_guardianship",
}  # fmt: skip
NAMES = {"full_name", "full_name_kana", "full_name_roman", "full_name_kanji"}


def of_movers(*names: str) -> set[str]:
    """Return the names as fields of a mover."""
    return {f"movers.{name}" for name in names}


#: Why and from when something counts, and what it refers to.
TOLD = {"reason", "effective_on", "refers_to"}
MOVEOUT = (
    ROUTING
    | {"scope", "filed_on", "planned_out_on", "living_from", "old_address", "new_address", "household_left"}
    | {"contact", "remarks"}
    | of_movers(*PERSON, "relation_from")
)
ANNOUNCED = ROUTING | {"scope", "filed_on", "living_from", "visit_on", "new_address", "contact"} | of_movers(*NAMES)
PREFILL = (
    ROUTING
    | {"scope", "filed_on", "planned_out_on", "living_from", "visit_on", "old_address", "new_address"}
    | {"household_joined", "contact", "remarks", "last_registered"}
    | of_movers(*PERSON, "relation_to")
)
MOVED_IN = (
    ROUTING
    | {"scope", "filed_on", "planned_out_on", "actual_in_on", "old_address", "new_address", "last_registered"}
    | of_movers(*NAMES, "former_family_name", "alternative_name", "date_of_birth", "sex")
)
APPENDIX = {
    *("kind", "origin", "destination", "person_count", "new_address", "actual_in_on", "reason", "effective_on")
} | of_movers("full_name", "date_of_birth", "sex", "registry")
FROM, TO, REGISTER, LAST = Role.ORIGIN, Role.DESTINATION, Role.DOMICILE, Role.LAST_REGISTERED
#: The most that a notice may carry (matrix of disclosure): what is missing here is never told.
MOST: dict[tuple[str, Role], set[str]] = {
    # The town left keeps the record: everything about the movers there, and who remains (Act Art. 24, Order Art. 23).
    ("moveout.submitted", FROM): MOVEOUT,
    ("filing.amended", FROM): MOVEOUT | {"refers_to"},
    # An announcement has no legal effect: who comes, when, in what language.
    ("arrival.planned", TO): ANNOUNCED,
    ("filing.amended", TO): ANNOUNCED | {"refers_to"},
    # The town entered: the move-out certificate's items (Order Art. 23(2)) and the household joined, never who remains.
    ("arrival.prefill", TO): PREFILL,
    ("correction.notified", TO): PREFILL | TOLD,
    # The move-in notice (Act Art. 9(1)): who, from where, to where, since when.
    ("movein.notice", FROM): MOVED_IN,
    ("movein.notice", LAST): MOVED_IN,
    ("correction.notified", FROM): MOVED_IN | TOLD,
    ("correction.notified", LAST): MOVED_IN | TOLD,
    # The appendix of the family register (Act Arts. 17 and 19): name, birth, sex, register, new address, its date.
    ("appendix.notice", REGISTER): APPENDIX,
    ("correction.notified", REGISTER): APPENDIX | TOLD,
    # What is taken back needs who it was about, and no address any more.
    ("withdraw.requested", FROM): ROUTING | {"filed_on"},
    ("withdraw.requested", TO): ROUTING | {"filed_on"},
    ("cancel.requested", FROM): ROUTING | {"filed_on", "refers_to"} | of_movers(*NAMES),
    ("cancel.requested", TO): ROUTING | {"filed_on", "refers_to"} | of_movers(*NAMES),
    ("certificate.recalled", TO): ROUTING | {"filed_on"} | TOLD | of_movers(*NAMES),
    ("movein.cancelled", FROM): ROUTING | {"scope", "filed_on"} | TOLD | of_movers(*NAMES, "date_of_birth", "sex"),
    ("movein.cancelled", LAST): ROUTING | {"scope", "filed_on"} | TOLD | of_movers(*NAMES, "date_of_birth", "sex"),
    ("movein.cancelled", REGISTER): {"kind", "origin", "destination", "person_count"}
    | TOLD
    | of_movers("full_name", "date_of_birth", "sex", "registry"),
    ("inquiry.nonarrival", TO): ROUTING
    | {"filed_on", "planned_out_on", "effective_on", "refers_to"}
    | of_movers(*NAMES, "date_of_birth"),
    # Protection: that it is to be handled so and whom to ask, never why (standard 3.4).
    **{
        ("protection.route", role): {"kind", "origin", "destination", "person_count", "protected", "contact_office"}
        | of_movers("full_name", "date_of_birth")
        for role in (FROM, TO, REGISTER)
    },
}


def with_(record: Any, **changes: str) -> Any:
    """Return a changed copy of a part of the sample."""
    return msgspec.structs.replace(record, **changes)


#: Texts that stand in one field only.
SECRETS = {
    "household_left": "残留見本　春代",
    "household_joined": "先住見本　次男",
    "old_address": "旧住所見本荘",
    "contact": "canary@example.invalid",
    "remarks": "備考見本",
}
#: A filing in which every field says something.
WHOLE = Filing(
    **{name: getattr(samples.ONE, name) for name in Filing.__struct_fields__ if name in Notice.__struct_fields__}
    | {
        "household_left": with_(samples.ONE.household_left, new_head_name=SECRETS["household_left"]),
        "household_joined": with_(samples.ONE.household_joined, head_name=SECRETS["household_joined"]),
        "old_address": with_(samples.ONE.old_address, building_name_etc=SECRETS["old_address"]),
        "contact": with_(samples.ONE.contact, email=SECRETS["contact"]),
        "remarks": SECRETS["remarks"],
    }
)


def composed(type_: str, role: Role, ordinals: tuple[int, ...] = (1, 2), filing: Filing = WHOLE) -> Notice:
    """Return the notice as it leaves for a town of this role, when everything is known."""
    known = notices.Known(
        receipt_no="00-TEST-0001-T",
        version=1,
        flow=Flow.CARD_SPECIAL,
        filed_on=date(2026, 4, 1),
        actual_in_on=date(2026, 4, 2),
        effective_on=date(2026, 4, 3),
        reason=Reason.ERROR_CORRECTED,
        refers_to=str(UUID(int=2)),
        protected=True,
        contact_office="市民課　秘匿見本",
    )
    return notices.compose(filing, notices.Address(UUID(int=1), type_, "131016", role, ordinals), known)


def told(notice: Notice) -> set[str]:
    """Return the fields that say anything."""
    return set(_told(notice, Notice, ""))


def _told(record: Any, kind: type[Any], prefix: str) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        value = getattr(record, field.name)
        if field.required or value != field.default:
            yield f"{prefix}{field.name}"
        if isinstance(value, tuple):
            for inner in (one for one in value if isinstance(one, Mover)):
                yield from _told(inner, Mover, "movers.")


PAIRS = tables.notices()


def test_the_sample_says_something_in_every_field() -> None:
    fields = {field.name for field in msgspec.structs.fields(Notice)}
    fields |= {f"movers.{field.name}" for field in msgspec.structs.fields(Mover)}
    assert fields - told(samples.ONE) == {"kind", "flow"}  # these two have their usual value


def test_every_notice_has_its_row_here() -> None:
    assert set(PAIRS) == set(MOST)


@pytest.mark.parametrize(("type_", "role"), PAIRS)
def test_no_field_beyond_the_matrix(type_: str, role: Role) -> None:
    assert told(composed(type_, role)) - ENVELOPE <= MOST[type_, role]


@pytest.mark.parametrize("layout", standard.names())
def test_no_field_beyond_the_matrix_in_the_towns_own_bytes(layout: str) -> None:
    shape = standard.load(layout)
    for type_, role in PAIRS:
        content = shape.write(composed(type_, role)).content
        assert told(shape.read(content)) - ENVELOPE <= MOST[type_, role], (type_, role)
        text = content.decode(shape.encoding)
        assert [what for what in hidden(type_, role) if what in text] == [], (type_, role)


def hidden(type_: str, role: Role) -> set[str]:
    """Return the texts that only a withheld field holds."""
    return {text for field, text in SECRETS.items() if field not in MOST[type_, role]}


@pytest.mark.parametrize(("type_", "role"), PAIRS)
def test_who_remains_and_who_is_joined(type_: str, role: Role) -> None:
    notice = composed(type_, role)
    assert notice.household_left is None or role is Role.ORIGIN
    assert notice.household_joined is None or role is Role.DESTINATION
    assert all(not mover.relation_from for mover in notice.movers) or role is Role.ORIGIN
    assert all(not mover.relation_to for mover in notice.movers) or role is Role.DESTINATION


@pytest.mark.parametrize("kind", Kind)
def test_one_town_that_is_left_and_entered_knows_both_households(kind: Kind) -> None:
    """Only where the municipality is the same (転居, 世帯変更); the city of another ward is another municipality."""
    within = kind in (Kind.IN_CITY, Kind.HOUSEHOLD_CHANGE)
    found = told(composed("arrival.prefill", TO, filing=msgspec.structs.replace(WHOLE, kind=kind)))
    assert ("household_left" in found) == ("movers.relation_from" in found) == within
    assert found - ENVELOPE <= PREFILL | ({"household_left", "movers.relation_from"} if within else set())


def test_the_domicile_is_told_of_nobody_elses_movers() -> None:
    one = composed("appendix.notice", Role.DOMICILE, ordinals=(2,))
    assert [mover.ordinal for mover in one.movers] == [2]
    assert one.person_count == 1
    assert samples.SAMPLE_TARO.full_name not in str(one)


#: A department knows its own task, who it is about and the address on its own side; nothing of where people went.
DEPARTMENT = {"kind", "task", "person_count", "contact_office"} | of_movers(
    "full_name", "full_name_kana", "full_name_roman", "full_name_kanji", "alternative_name", "preferred_name",
    "date_of_birth", "sex", "coverage",
)  # fmt: skip
MOST_OF_TASKS = {
    ("task.opened", Role.ORIGIN): DEPARTMENT | {"planned_out_on", "origin", "old_address"},
    ("task.opened", Role.DESTINATION): DEPARTMENT
    | {"living_from", "actual_in_on", "origin", "destination", "new_address"},
    ("task.cancelled", Role.ORIGIN): {
        "kind",
        "origin",
        "task",
        "refers_to",
        "person_count",
        "contact_office",
        "movers.full_name",
    },
    ("task.cancelled", Role.DESTINATION): {"kind", "destination", "task", "refers_to", "person_count", "contact_office"}
    | of_movers("full_name"),
    # Message 16: which paper of the origin belongs to which task that was opened before.
    ("moveout.transfer_docs", Role.DESTINATION): {"kind", "origin", "destination", "task", "refers_to"}
    | {"person_count", "contact_office"}
    | of_movers("full_name"),
}


def test_departments_are_told_no_field_beyond_the_matrix_in_any_layout() -> None:
    assert set(tables.tasks()) == set(MOST_OF_TASKS)
    for (type_, role), most in MOST_OF_TASKS.items():
        notice = notices.disclose(with_(samples.ONE, type=type_, role=role, kind=Kind.WARD_TO_WARD))
        assert told(notice) - ENVELOPE == most  # the sample says something in each of them
        for layout in standard.names():
            shape = standard.load(layout)
            if "task" not in shape.omits:
                assert told(shape.read(shape.write(notice).content)) - ENVELOPE <= most, layout
