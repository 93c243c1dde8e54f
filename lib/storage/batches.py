"""Batches of what is too much for one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

Element = TypeVar("Element")


def batches_of(items: Sequence[Element], most: int) -> Iterator[Sequence[Element]]:
    """The items in their order, `most` in each batch but the last; no batch where there are none."""
    return (items[start : start + most] for start in range(0, len(items), most))


def batches_by_size(
    items: Iterable[Element], most: int, most_size: int, size: Callable[[Element], int]
) -> Iterator[list[Element]]:
    """The items in their order, in batches of at most `most` that add up to `most_size`; a larger one stands alone."""
    batch: list[Element] = []
    total = 0
    for item in items:
        length = size(item)
        if batch and (len(batch) == most or total + length > most_size):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += length
    if batch:
        yield batch
