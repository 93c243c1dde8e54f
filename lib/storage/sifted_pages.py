"""Pages of a list whose rows are not all shown: rows are read until a page is full, in two queries at most."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Item = TypeVar("Item")

Sifted = Literal["show", "pass", "end"]
"""`show`: the item is on the page. `pass`: it is passed over. `end`: neither it nor any later item is shown."""

_MANY = 800
"""Rows of a query where many may be passed over: one answer of storage."""


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
    *,
    passes_many: bool = False,
) -> SiftedPage[Item]:
    """Read a page of what `sift` shows, given each item's place and the item itself.

    `read` gives so many (place, item) behind a place. It is asked twice, or once where `sift` is known to pass over
    many items; then the page ends, whether or not it is full.
    """
    found, last_found = list[Item](), after
    for most in (max(limit + 1, _MANY),) if passes_many else (limit + 1, _MANY):
        count = 0
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
