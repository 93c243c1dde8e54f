"""Refusals of the domain, in words for the caller. Each has a kind, which the API maps to a status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

RefusalKind = Literal["stale", "not_allowed", "wrong_field", "not_found", "too_large", "busy", "gone"]


class Refusal(Exception):
    """The base of all refusals. The text is a sentence for the caller."""

    kind: ClassVar[RefusalKind]


class Stale(Refusal):
    """The row is not the version that the change was made for."""

    kind = "stale"


class NotAllowed(Refusal):
    """The state does not allow the change; the text says why."""

    kind = "not_allowed"


class WrongField(Refusal):
    """A field has the right form and makes no sense. `loc` is its place in the body."""

    kind = "wrong_field"

    def __init__(self, loc: Sequence[str], text: str) -> None:
        super().__init__(text)
        self.loc = list(loc)


class UnknownSender(WrongField):
    """The message's `from` names no user, or a user who may not send from where the address is."""

    def __init__(self, text: str) -> None:
        super().__init__(["from"], text)


class NotFound(Refusal):
    """A part does not exist; the text names it, such as `attachment`."""

    kind = "not_found"


class NoLongerKept(Refusal):
    """The thing was there, and is not kept any more; the text is a sentence that says so."""

    kind = "gone"


class TooLarge(Refusal):
    """A part is too large; the text names it and its bound."""

    kind = "too_large"


class Busy(Refusal):
    """No more large work is taken just now; the text says what to do."""

    kind = "busy"
