"""The decision whether an inbound mail is kept as an activity, and what it regards. Pure functions.

A person's own act tracks a mail whatever its user has chosen: tracking by hand, moving it to a folder, a category. So
does a queue. Otherwise the user's `inbound` decides. What tells of the delivery of a mail that Heed knows (a bounce, a
complaint) is tracked in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lib.fields import Regarding
from lib.inbound.classification import MailKind
from lib.inbound.correlation import Correlation
from lib.people.families import Families
from lib.people.records import name_of

InboundChoice = Literal["all", "replies", "known", "none"]
"""A user's `inbound`."""

ABOUT_DELIVERY = (MailKind.BOUNCE, MailKind.COMPLAINT)
_FROM_PEOPLE = (MailKind.REPLY, MailKind.CALENDAR_ANSWER, MailKind.READ_RECEIPT)

_NOT_CHOSEN: dict[InboundChoice | None, str] = {
    "all": "",
    "replies": "Its user has only answers to tracked mail kept.",
    "known": "Its user has answers and the mail of known senders kept, and its sender has no record.",
    "none": "Its user has no mail kept.",
    None: "No user of the organization is among its recipients.",
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """The circumstances in which a mail came that decide whether it is kept."""

    by_hand: bool = False
    """Whether a person tracks this one mail."""

    folder: str | None = None
    """The path of the folder that tracks it; None where its folder tracks nothing."""

    category: str | None = None
    """The category that tracks it."""

    is_queue: bool = False
    """Whether it came to a mailbox that several users share."""

    choice: InboundChoice | None = None
    """The choice of the user whose mail it is; None where that is no user of the organization."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """The decision."""

    ways: Sequence[str]
    """Every way by which the mail is tracked; empty where it is not kept."""

    because: str
    """Sentences."""


def kind_of(kind: MailKind, correlation: Correlation) -> MailKind:
    """Return the kind of a mail, now that it is known what it answers."""
    if kind is MailKind.REPLY:
        return MailKind(correlation.kind_of_persons_mail())
    if kind in _FROM_PEOPLE and correlation.sender == "stranger":
        return MailKind.FORWARD
    return kind


def decide_tracking(kind: MailKind, correlation: Correlation, arrival: Arrival, is_known: bool) -> Tracking:
    """Decide whether a mail is kept. `is_known`: its sender has a record."""
    found: dict[str, str] = {}
    if arrival.by_hand:
        found["hand"] = "A person has tracked it."
    if arrival.folder is not None:
        found["folder"] = f"It lies in the folder {arrival.folder}, whose mail is tracked."
    if arrival.category is not None:
        found["category"] = f"It has the category {arrival.category}, which tracks mail."
    if arrival.is_queue:
        found["queue"] = "It came to a queue, whose mail is tracked."
    answers = correlation.matched is not None or correlation.conversation is not None
    if answers and (found or _wants_answers(arrival.choice) or kind in ABOUT_DELIVERY):
        found[correlation.name] = correlation.because
    elif arrival.choice == "all":
        found.setdefault("all", "Its user has all mail kept.")
    elif arrival.choice == "known" and is_known:
        found.setdefault("known", "Its sender is known.")
    if found:
        return Tracking(list(found), " ".join(found.values()))
    return Tracking((), f"{correlation.because} {_NOT_CHOSEN[arrival.choice]}".strip())


def _wants_answers(choice: InboundChoice | None) -> bool:
    return choice in ("all", "replies", "known")


def more_specific(placed: Regarding | None, answered: Regarding | None, families: Families) -> Regarding | None:
    """Return what a mail regards: the record of its folder, or of the message that it answers.

    The one that stands below the other in the family of records says more. Of two that have nothing to do with each
    other, the folder's counts: a person has put the mail there.
    """
    if placed is None or answered is None:
        return placed or answered
    if name_of(placed) in families.parents_above(name_of(answered)):
        return answered
    return placed
