"""Pieces: nothing lost, nothing moved, none larger than it may be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lib.storage.batches import batches_by_size, batches_of


@given(st.lists(st.integers(0, 12)), st.integers(1, 4), st.integers(1, 10))
def test_batches_hold_what_they_may_and_no_less(sizes: list[int], most: int, most_size: int) -> None:
    made = list(batches_by_size(sizes, most, most_size, lambda size: size))
    assert [size for batch in made for size in batch] == sizes
    for batch in made:
        assert 0 < len(batch) <= most
        assert sum(batch) <= most_size or len(batch) == 1
    for one, following in pairwise(made):
        assert len(one) == most or sum(one) + following[0] > most_size


def test_a_sequence_comes_in_batches_of_a_number_the_last_one_with_the_rest() -> None:
    assert list(batches_of([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert list(batches_of("", 2)) == []
