"""Two standards side by side: what is lost, gained, replaced or refused, and no word of whom it is about."""

import itertools

import msgspec
import pytest
from hypothesis import given

from municipalities import standard
from municipalities.compare import Difference, Kind, compare
from municipalities.notice import Notice
from tests.municipalities.notices import notices
from tests.samples import ONE

NAMES = standard.names()
#: A word longer than any layout's item for a name.
ENDLESS = msgspec.structs.replace(
    ONE, movers=(msgspec.structs.replace(ONE.movers[0], full_name="見本" * 900), *ONE.movers[1:])
)


def differences(notice: Notice, first: str, second: str) -> tuple[Difference, ...]:
    return compare(notice, standard.load(first), standard.load(second))


def omitted(item: str, name: str) -> bool:
    """Whether a layout says that it omits the item, by itself or with its part."""
    return bool({item, item.rpartition(".")[0]} & set(standard.load(name).omits))


@given(notice=notices())
def test_a_standard_does_not_differ_from_itself(notice: Notice) -> None:
    for name in NAMES:
        assert differences(notice, name, name) == ()


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(NAMES, 2)))
def test_what_is_lost_is_what_the_layout_says_it_omits(first: str, second: str) -> None:
    """The sample has a value in every item, so that nothing can be lost unnoticed."""
    found = differences(ONE, first, second)
    lost = {one.item for one in found if one.kind is Kind.LOST}
    if not any(one.kind is Kind.REFUSED for one in found):
        assert {item for item in lost if not omitted(item, second)} == set()
        back = {one.item for one in differences(ONE, second, first) if one.kind in (Kind.GAINED, Kind.FALLBACK)}
        assert lost <= back  # the way back finds the same items
        assert lost or all(omitted(item, first) for item in standard.load(second).omits)


def test_characters_replaced_otherwise_are_told_by_item() -> None:
    found = differences(ONE, "gif_json", "mainframe_cp932")
    assert Difference(Kind.FALLBACK, "mover.full_name") in found
    back = differences(ONE, "mainframe_cp932", "gif_json")
    assert Difference(Kind.GAINED, "mover.full_name") in back
    assert not [one for one in back if one.kind is Kind.FALLBACK]


def test_a_refusal_names_item_and_code_in_either_direction() -> None:
    (refused,) = differences(ENDLESS, "gif_json", "mainframe_cp932")
    assert (refused.kind, refused.code) == (Kind.REFUSED, "E131")
    assert refused.item in {field.name for field in standard.load("mainframe_cp932").items}
    (accepted,) = differences(ENDLESS, "mainframe_cp932", "gif_json")
    assert accepted == Difference(Kind.ACCEPTED, refused.item, "E131")


def test_no_difference_says_a_word_of_the_record() -> None:
    texts = {mover.full_name for mover in (*ONE.movers, *ENDLESS.movers)} | {"𠮷", "見本", ONE.receipt_no}
    for notice, (first, second) in itertools.product((ONE, ENDLESS), itertools.permutations(NAMES, 2)):
        told = repr(differences(notice, first, second))
        assert not [text for text in texts if text in told]
