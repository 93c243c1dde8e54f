"""Pieces of what is too much for one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], most: int, most_size: int, size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """The items in their order, at most `most` together and of `most_size` altogether; what is larger goes alone."""
    batch: list[Item] = []
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
