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
from municipalities.notice import Mover, Notice, Role
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


#: The most that a notice may carry (matrix of disclosure): what is missing here is never told.
MOST = {
    # The town left keeps the record: everything about the movers there, and who remains (Act Art. 24, Order Art. 23).
    "moveout.submitted": ROUTING
    | {"scope", "filed_on", "planned_out_on", "living_from", "old_address", "new_address", "household_left"}
    | {"contact", "remarks"}
    | of_movers(*PERSON, "relation_from"),
    # An announcement has no legal effect: who comes, when, in what language.
    "arrival.planned": ROUTING
    | {"scope", "filed_on", "living_from", "visit_on", "new_address", "contact"}
    | of_movers(*NAMES),
    # The town entered: the move-out certificate's items (Order Art. 23(2)) and the household joined, never who remains.
    "arrival.prefill": ROUTING
    | {"scope", "filed_on", "planned_out_on", "living_from", "visit_on", "old_address", "new_address"}
    | {"household_joined", "contact", "remarks"}
    | of_movers(*PERSON, "relation_to"),
    # The move-in notice (Act Art. 9(1)): who, from where, to where, since when.
    "movein.notice": ROUTING
    | {"scope", "filed_on", "planned_out_on", "actual_in_on", "old_address", "new_address"}
    | of_movers(*NAMES, "former_family_name", "alternative_name", "date_of_birth", "sex"),
    # The appendix of the family register (Act Arts. 17 and 19): name, birth, sex, register, new address, its date.
    "appendix.notice": {"kind", "origin", "destination", "person_count", "new_address", "actual_in_on"}
    | of_movers("full_name", "date_of_birth", "sex", "registry"),
    "withdraw.requested": ROUTING | {"filed_on"},
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


def composed(type_: str, role: Role, ordinals: tuple[int, ...] = (1, 2)) -> Notice:
    """Return the notice as it leaves for a town of this role."""
    return notices.compose(
        WHOLE,
        notice_id=UUID(int=1),
        type_=type_,
        receipt_no="00-TEST-0001-T",
        version=1,
        recipient="131016",
        role=role,
        ordinals=ordinals,
        filed_on=date(2026, 4, 1),
        actual_in_on=date(2026, 4, 2),
    )


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
    assert {type_ for type_, _ in PAIRS} == set(MOST)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("type_", MOST)
def test_no_field_beyond_the_matrix(type_: str, role: Role) -> None:
    assert told(composed(type_, role)) - ENVELOPE <= MOST[type_]


@pytest.mark.parametrize("layout", standard.names())
@pytest.mark.parametrize(("type_", "role"), PAIRS)
def test_no_field_beyond_the_matrix_in_the_towns_own_bytes(type_: str, role: Role, layout: str) -> None:
    shape = standard.load(layout)
    content = shape.write(composed(type_, role)).content
    assert told(shape.read(content)) - ENVELOPE <= MOST[type_]
    text = content.decode(shape.encoding)
    assert [what for what in hidden(type_) if what in text] == []


def hidden(type_: str) -> set[str]:
    """Return the texts that only a withheld field holds."""
    return {text for field, text in SECRETS.items() if field not in MOST[type_]}


@pytest.mark.parametrize(("type_", "role"), PAIRS)
def test_who_remains_and_who_is_joined(type_: str, role: Role) -> None:
    notice = composed(type_, role)
    assert notice.household_left is None or role is Role.ORIGIN
    assert notice.household_joined is None or role is Role.DESTINATION
    assert all(not mover.relation_from for mover in notice.movers) or role is Role.ORIGIN
    assert all(not mover.relation_to for mover in notice.movers) or role is Role.DESTINATION


def test_the_domicile_is_told_of_nobody_elses_movers() -> None:
    one = composed("appendix.notice", Role.DOMICILE, ordinals=(2,))
    assert [mover.ordinal for mover in one.movers] == [2]
    assert one.person_count == 1
    assert samples.SAMPLE_TARO.full_name not in str(one)


def test_a_field_that_the_table_does_not_know_is_blank() -> None:
    everything = {"old_address", "remarks", "movers.full_name"}
    for type_ in MOST:
        unknown = everything - tables.disclosure()[type_]
        assert not told(composed(type_, Role.LAST_REGISTERED)) & unknown
