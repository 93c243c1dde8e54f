"""Tallies of a template's mails and sales, by group: numbers that are added up, and taken back exactly.

A group (stratum) holds mails alike in what else decides whether they are read: the sender, whether the recipient was
known, the recipient's mail platform, and the month. Templates are compared within groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from pydantic import BaseModel

NO_TYPE = ""
"""The type of record of messages that regard none."""

LATE_OPENS_HOURS = (24, 48, 72, 120)
LATE_REPLIES_HOURS = (72, 120)
"""Hours after which opens and replies are counted as late, for learning when a mail has ripened."""

Contact = Literal["new", "known", ""]
"""Whether the recipient had a mail made of a template before; empty where recipients are not to be remembered."""


class Tally(BaseModel):
    """Counts of messages and of sales that messages were about. Stored as a list in this order: append new ones."""

    sent: int = 0
    followed: int = 0
    """Messages whose clicks and replies are known: those rates are shares of them."""
    opened: int = 0
    """Followed messages that were opened, without those whose opens cannot be known."""
    clicked: int = 0
    replied: int = 0
    unknown: int = 0
    """Followed messages whose opens cannot be known: a mail program has loaded their images by itself."""
    opened_after_24h: int = 0
    """Opened messages whose first open came later than that."""
    opened_after_48h: int = 0
    opened_after_72h: int = 0
    opened_after_120h: int = 0
    replied_after_72h: int = 0
    """Answered messages whose first reply came later than that."""
    replied_after_120h: int = 0
    won: int = 0
    """Sales that were won."""
    closed: int = 0
    """Sales that were won or lost. Sales that were won before this was counted are missing."""

    @property
    def sales(self) -> int:
        """Sales that were won or lost; the rate of won ones is a share of them."""
        return max(self.closed, self.won)

    @property
    def openable(self) -> int:
        """Messages whose opens are known; the open rate is a share of them."""
        return self.followed - self.unknown

    def numbers(self) -> list[int]:
        """Return the counts in their order, without zeros at the end."""
        found = [getattr(self, name) for name in _NAMES]
        while found and not found[-1]:
            found.pop()
        return found

    @staticmethod
    def from_numbers(numbers: Iterable[int]) -> Tally:
        """Return the tally of counts in their order; missing ones are 0, those of a later release are passed over."""
        return Tally(**dict(zip(_NAMES, numbers, strict=False)))

    def __add__(self, other: Tally) -> Tally:
        return Tally.from_numbers(added_numbers(self.numbers(), other.numbers()))

    def __sub__(self, other: Tally) -> Tally:
        return Tally.from_numbers(added_numbers(self.numbers(), other.numbers(), -1))

    def __bool__(self) -> bool:
        return bool(self.numbers())


_NAMES = tuple(Tally.model_fields)


def added_numbers(one: Iterable[int], other: Iterable[int], times: int = 1) -> list[int]:
    """Return `one` + `times` x `other`, place by place, without zeros at the end."""
    found = list(one)
    for place, value in enumerate(other):
        if place == len(found):
            found.append(0)
        found[place] += times * value
    while found and not found[-1]:
        found.pop()
    return found


class Stratum(NamedTuple):
    """A group of mails within which templates are compared."""

    sender: str = ""
    """Four hexadecimal digits that stand for the sender."""
    contact: str = ""
    platform: str = ""
    """The product that handles the recipient's mail, as in `gateways.csv`; empty where it is unknown."""
    month: str = ""
    """The month of sending, `2026-05`; for sales, that of closing."""


class Cell(NamedTuple):
    """A place of the counts: a group, among mails with one content that regard one type of record."""

    series: int
    """The number of the version that began the content (`lib.templates.similarity`)."""
    regarding: str
    stratum: Stratum

    def key(self) -> str:
        """Return the name under which the cell is stored."""
        return "|".join((str(self.series), self.regarding, *self.stratum))

    @staticmethod
    def read(key: str) -> Cell:
        """Read what `key` gives."""
        series, regarding, *stratum = key.split("|")
        return Cell(int(series), regarding, Stratum(*stratum))


Numbers = list[int]
"""The numbers of a tally."""
