"""Shares of messages and won sales in the counts of a template: pure functions.

A message counts once, however many people it went to and however often each of them did something: it was opened,
clicked or answered by a person, or it was not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from lib.messages.models import StoredMessage
from lib.storage.ledger import LedgerShare, PlannedShare
from lib.verdicts.kpis import Kpis

NO_TYPE = ""
"""Key of the tally of messages that regard no record."""


class Tally(BaseModel):
    """Counts of messages and of sales that messages were about."""

    sent: int = 0
    followed: int = 0
    """Messages whose opens, clicks and replies are known: those rates are shares of them."""
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    won: int = 0
    """Sales that were won."""
    closed: int = 0
    """Sales that were won or lost. Sales that were won before this was counted are missing."""

    @property
    def sales(self) -> int:
        """Sales that were won or lost; the rate of won ones is a share of them."""
        return max(self.closed, self.won)

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in Tally.model_fields})

    def __sub__(self, other: Tally) -> Tally:
        return Tally(**{name: getattr(self, name) - getattr(other, name) for name in Tally.model_fields})

    def __bool__(self) -> bool:
        return self != Tally()


class TemplateShare(LedgerShare):
    """A row: what one message or one sale gives. `regarding` is the type of the record that the message is about; an
    empty tally is that of one that was taken away."""

    regarding: str = NO_TYPE
    tally: Tally = Tally()


class TemplateCounts(BaseModel):
    """A row: the sum of a template's shares, by the type of record that messages regard."""

    by_type: dict[str, Tally] = {}

    def tally_of(self, regarding: str | None = None) -> Tally:
        """Tally of messages that regard records of one type; of all messages where no type is named."""
        if regarding is not None:
            return self.by_type.get(regarding, Tally())
        return sum(self.by_type.values(), Tally())

    def exchanged(self, old: TemplateShare, new: TemplateShare) -> TemplateCounts:
        """Copy with one share in place of another; an empty one stands for none."""
        sums = dict(self.by_type)
        sums[old.regarding] = sums.get(old.regarding, Tally()) - old.tally
        sums[new.regarding] = sums.get(new.regarding, Tally()) + new.tally
        return TemplateCounts(by_type={name: tally for name, tally in sums.items() if tally})


def total(shares: Iterable[TemplateShare]) -> TemplateCounts:
    """The counts of these shares, counted anew."""
    counts = TemplateCounts()
    for share in shares:
        counts = counts.exchanged(TemplateShare(), share)
    return counts


class TemplateUse(PlannedShare):
    """Use of a template by a message; kept with the message."""

    template: str


def share_of(message: StoredMessage, kpis: Kpis) -> TemplateShare | None:
    """Find the message's share in its template; None while it was not sent, or where it has none.

    A click, a viewed attachment or a reply counts as an open, too, even where the pixel was not loaded.
    """
    if message.state != "sent" or message.template is None:
        return None
    was_followed = message.follow_state is not None and message.follow_state.state == "on"
    tally = Tally(sent=1)
    if was_followed:
        opened = kpis.opens or kpis.clicks or kpis.attachment_views or kpis.replies
        tally = Tally(sent=1, followed=1, opened=bool(opened), clicked=bool(kpis.clicks), replied=bool(kpis.replies))
    return TemplateShare(regarding=message.regarding.type if message.regarding else NO_TYPE, tally=tally)


CountsByTemplate = Mapping[str, TemplateCounts]
