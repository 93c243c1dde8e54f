"""What the judge knows of a message besides its facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sending:
    """How a message went out, and what is known of the places that it went to.

    `sent_at` is when it was handed over, in milliseconds since 1970; None where nobody knows. `sent_at_of`
    is the same by recipient number, where everybody gets a copy and these leave one after the other.
    `links` counts the links of a copy: their indexes, 0 up, stand in the order of the document. `honeypots` are those
    among them that no person sees. `gateways` says by recipient number which product filters that recipient's mail
    (an id of the catalogue of gateways), None where nothing is known. `own_networks` are the sender's and the
    colleagues' (`192.0.2.0/24`). `elsewhere` says by fact key how many other messages the same source asked for within
    seconds of that fact. `opens_before` counts opens that are no longer looked at one by one.
    """

    sent_at: int | None = None
    links: int = 0
    honeypots: frozenset[int] = frozenset()
    gateways: tuple[str | None, ...] = ()
    own_networks: tuple[str, ...] = ()
    colleagues: frozenset[int] = frozenset()
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    opens_before: int = 0
    sent_at_of: Mapping[int, int] = field(default_factory=dict)

    def dispatched_to(self, recipient: int | None) -> int | None:
        """When that recipient's copy was handed over."""
        return self.sent_at if recipient is None else self.sent_at_of.get(recipient, self.sent_at)
