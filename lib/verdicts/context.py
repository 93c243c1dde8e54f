"""Context of a judgement: all that the judge knows of a message besides its facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lib.messages.feedback import Was
from lib.verdicts.memory import NOTHING, Memory
from lib.verdicts.weights import Side


@dataclass(frozen=True, slots=True)
class Sending:
    """Sending of a message, and what is known of the places that it went to."""

    sent_at: int | None = None
    """Milliseconds since 1970 of the hand-over; None where it is not known."""

    links: int = 0
    """Number of links of a copy: their indexes, 0 up, stand in the order of the document."""

    honeypots: frozenset[int] = frozenset()
    """Indexes of links that no person sees."""

    gateways: tuple[str | None, ...] = ()
    """Product that filters a recipient's mail (an id of the catalogue of gateways), by recipient number; None where
    nothing is known."""

    own_networks: tuple[str, ...] = ()
    """Networks of the sender and the colleagues (`192.0.2.0/24`)."""

    colleagues: frozenset[int] = frozenset()
    """Numbers of the recipients who are users of the same organization."""

    elsewhere: Mapping[str, int] = field(default_factory=dict)
    """Number of other messages that the same source asked for within seconds of a fact, by fact key."""

    opens_before: int = 0
    """Number of opens that are no longer looked at one by one."""

    sent_at_of: Mapping[int, int] = field(default_factory=dict)
    """Milliseconds since 1970 of the hand-over by recipient number, where copies leave one after the other."""

    memory: Memory = NOTHING
    """What the sources of the hits did with other mails."""

    looked_at: int | None = None
    """Milliseconds since 1970 of this look: what has not happened by then is a sign, too. None where nothing of the
    kind is asked."""

    feedback: Mapping[str, Was] = field(default_factory=dict)
    """What users of the organization say of a fact, by fact key."""

    prior_shift: Mapping[Side, float] = field(default_factory=dict)
    """Log-odds by which certain cases of the organization move the prior of a side; sides that stay are missing."""

    def dispatched_to(self, recipient: int | None) -> int | None:
        """When that recipient's copy was handed over."""
        return self.sent_at if recipient is None else self.sent_at_of.get(recipient, self.sent_at)
