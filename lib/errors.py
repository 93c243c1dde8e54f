"""Refusals: what the domain does not do, in words for the caller. Each has a kind, which the API maps to a status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

RefusalKind = Literal["stale", "not_allowed", "wrong_field", "not_found", "too_large", "busy"]


class Refusal(Exception):
    """The base of all refusals. The text is a sentence for the caller."""

    kind: ClassVar[RefusalKind]


class Stale(Refusal):
    """The row is another version than the one that the change was made for."""

    kind = "stale"


class NotAllowed(Refusal):
    """The state does not allow the change; the text says why."""

    kind = "not_allowed"


class WrongField(Refusal):
    """A field is of the right form and makes no sense. `loc` is its place in the body."""

    kind = "wrong_field"

    def __init__(self, loc: Sequence[str], text: str) -> None:
        super().__init__(text)
        self.loc = list(loc)


class UnknownSender(WrongField):
    """The message's `from` names no user, or a user who may not send from where the address is."""

    def __init__(self, text: str) -> None:
        super().__init__(["from"], text)


class NotFound(Refusal):
    """The text names what is missing, such as `attachment`."""

    kind = "not_found"


class TooLarge(Refusal):
    """The text names what is too large, and for what."""

    kind = "too_large"


class Busy(Refusal):
    """As much large work is under way as is taken at once; the text says what to do."""

    kind = "busy"
