"""Memory: what the sources of a message's hits did with other mails of the organization.

A source is a place (the network, or the service through which many people read) and an agent. What it did with one
copy of one mail is a visit. Visits are judged without this memory, so that it cannot talk itself into anything; and
they are a set, so that order, repetition and delay change nothing in the end.

Places, agents, companies and people are keyed hashes. Nothing here is shared between organizations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Sure = Literal["person", "machine", "own", ""]
"""`own` is the sender's side, at the mail that an answer quotes."""


MOST_COUNTED = 2
"""Opens and targets of a visit that are counted: more say nothing more, and would be written with every hit."""


class SourceKey(NamedTuple):
    """Hashes of whose hit it was, and from where."""

    place: str
    """The network, or the service through which many people read."""

    area: str
    """All networks of the same owner; of a carrier, whose customers sit in them, the network alone."""

    agent: str
    program: str
    """Hash of the agent without its numbers: the same after an update."""

    company: str
    person: str

    is_shared: bool = False
    """Whether many people come from there, so that only the same person's visits are the same source's."""


class Visit(NamedTuple):
    """Acts of a source with one copy of one mail. The key and the message tell visits apart."""

    key: SourceKey
    message: str
    sender: str
    """Hash of the sender's id."""

    first: int
    """Milliseconds since 1970 of the first hit."""

    since: int | None
    """Milliseconds from the dispatch to the first hit; None where it is not known."""

    opens: int
    """Number of opens, `MOST_COUNTED` at most."""

    targets: int
    """Number of different links and attachments that were followed, `MOST_COUNTED` at most."""

    links: int
    """Number of links of the copy."""

    odds: float
    """Evidence of this mail alone about who it was: log-odds of a person, without the prior."""

    sure: Sure = ""
    """Who it was, where this mail alone leaves no doubt."""


class Worked(NamedTuple):
    """Sessions of the mail's sender, in the console or the add-in, at the place of a source."""

    days: int
    """Number of days with a session there, `MOST_DAYS` at most."""

    days_alike: int
    """Number of those on a device of the source's kind."""


MOST_DAYS = 3
"""Days with a session that are counted: more say nothing more."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Visits at other mails, as far as they say something about the hits of one message."""

    keys: Mapping[str, SourceKey] = field(default_factory=dict)
    """Key of each hit's source, by fact key."""

    sender: str = ""
    """Hash of the sender's id."""

    kin: Mapping[tuple[str, str], Sequence[Visit]] = field(default_factory=dict)
    """Visits by the same agents in the same areas, by area and agent; not of sources that are known or shared."""

    at_company: Mapping[str, Sequence[Visit]] = field(default_factory=dict)
    """Visits by people of the companies that got the message, by company."""

    anybodys: frozenset[str] = frozenset()
    """Companies that are none, such as a mail service for anybody: of these, one person says nothing of another."""

    own: Mapping[SourceKey, Visit] = field(default_factory=dict)
    """Visits at this message, as they were remembered before."""

    full: frozenset[tuple[str, str]] = frozenset()
    """Areas and agents of which no more is remembered."""

    worked: Mapping[tuple[str, str], Worked] = field(default_factory=dict)
    """Sessions of the sender at places of sources that opened the mail, by place and agent."""


def is_settled(key: SourceKey, at_company: Iterable[Visit]) -> bool:
    """Whether nothing more has to be known of the place: it is shared, or certainly the recipient's.

    `at_company` are visits at other mails to the recipient's company.
    """
    return key.is_shared or any(
        each.sure == "person" and each.key.person == key.person and each.key.place == key.place for each in at_company
    )


NOTHING = Memory()
