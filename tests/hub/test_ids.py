"""Ids of deliveries ascend in the order in which they were made, whatever the clock does."""

import time
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import ids


@given(steps=st.lists(st.integers(-3_600_000, 5), min_size=2, max_size=60))
def test_ids_ascend_within_a_millisecond_and_when_the_clock_goes_back(steps: list[int]) -> None:
    clock = [time.time_ns() // 1_000_000]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.ids.time.time_ns", lambda: clock[0] * 1_000_000)
        made = []
        for step in steps:
            clock[0] += step
            made.append(ids.uuid7())
    assert made == sorted(set(made))
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}


@given(behind=st.lists(st.integers(0, 7_200_000), min_size=2, max_size=30))
def test_later_ids_of_a_filing_are_larger_whichever_machine_makes_them(behind: list[int]) -> None:
    made: list[UUID] = []
    for milliseconds in behind:
        with pytest.MonkeyPatch.context() as machine:
            machine.setattr("hub.ids._last", 0)
            machine.setattr("hub.ids.time.time_ns", lambda lag=milliseconds: 1_774_969_200_000_000_000 - lag * 10**6)
            for key in made[-1:]:
                ids.seen(key)
            made += [ids.uuid7(), ids.uuid7()]
    assert made == sorted(set(made))
