"""Ids of deliveries ascend in the order in which they were made, whatever the clock does."""

import time
from uuid import RFC_4122

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
