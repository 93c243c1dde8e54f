"""Pieces: nothing lost, nothing moved, none larger than it may be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lib.storage.batches import batches


@given(st.lists(st.integers(0, 12)), st.integers(1, 4), st.integers(1, 10))
def test_batches_hold_what_they_may_and_no_less(sizes: list[int], most: int, most_size: int) -> None:
    made = list(batches(sizes, most, most_size, lambda size: size))
    assert [size for batch in made for size in batch] == sizes
    for batch in made:
        assert 0 < len(batch) <= most
        assert sum(batch) <= most_size or len(batch) == 1
    for one, following in pairwise(made):
        assert len(one) == most or sum(one) + following[0] > most_size
