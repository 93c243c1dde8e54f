"""Numbers in keys sort as numbers do, and times newest first."""

from hypothesis import given
from hypothesis import strategies as st

from lib.storage.sort_keys import LARGEST, ascending_number, descending_number, newest_first, time_of

NUMBERS = st.integers(0, LARGEST)


@given(NUMBERS, NUMBERS)
def test_keys_of_numbers_sort_as_the_numbers_do_upwards_and_downwards(one: int, other: int) -> None:
    assert (ascending_number(one) < ascending_number(other)) == (one < other)
    assert (descending_number(one) < descending_number(other)) == (one > other)


@given(NUMBERS)
def test_a_time_is_read_back_from_its_key(at: int) -> None:
    assert time_of(newest_first(at)) == at


def test_stored_keys_keep_their_form() -> None:
    assert newest_first(1_770_000_000_000) == "8229999999999"
    assert descending_number(7, 10**10 - 1) == "9999999992"
    assert descending_number(1_770_000_000_000, 10**14) == "098230000000000"
    assert ascending_number(12, 10**12 - 1) == "000000000012"
