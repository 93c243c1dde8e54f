"""Origin of an inbound mail: the mailbox and folder that it lay in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The place that a mail came from; every field is None where that is not known."""

    mailbox: str | None = None
    """The id of the mailbox."""

    folder: str | None = None
    """The path of the folder, as the mailbox's `folders` have it."""

    category: str | None = None
    """The first of the mailbox's `categories` that the mail carries, as they have it."""

    owner: str | None = None
    """The id of the user whose mailbox it is."""
