"""Pages of a list whose rows are not all shown: rows are read until a page is full, in a few queries at most."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Item = TypeVar("Item")

Sifted = Literal["show", "pass", "end"]
"""`show`: the item is on the page. `pass`: it is passed over. `end`: neither it nor any later item is shown."""

_MOST_QUERIES = 5
_FURTHER = 200
"""Rows of each query but the first."""


@dataclass(frozen=True, slots=True)
class SiftedPage(Generic[Item]):
    """A page of a list."""

    found: list[Item]
    after: str | None
    """Where the next page begins; None after the last one."""


async def sifted_page(
    read: Callable[[str | None, int], AsyncIterator[tuple[str, Item]]],
    sift: Callable[[str, Item], Sifted],
    after: str | None,
    limit: int,
) -> SiftedPage[Item]:
    """Read a page of what `sift` shows, given each item's place and the item itself.

    `read` gives so many (place, item) behind a place. After five queries the page ends, whether or not it is full.
    """
    found, last_found = list[Item](), after
    for number in range(_MOST_QUERIES):
        count, most = 0, _FURTHER if number else limit + 1
        async for place, item in read(after, most):
            count, after = count + 1, place
            verdict = sift(place, item)
            if verdict == "end":
                return SiftedPage(found, None)
            if verdict == "pass":
                continue
            if len(found) == limit:
                return SiftedPage(found, last_found)
            found.append(item)
            last_found = place
        if count < most:
            return SiftedPage(found, None)
    return SiftedPage(found, after)
