"""Findings of rules, and the verdicts that they add up to."""

from __future__ import annotations

from typing import Literal, NamedTuple

Class = Literal["human", "machine", "uncertain"]


class Finding(NamedTuple):
    """A rule has something to say of a fact: the code under which `lib.verdicts.weights` has its weight and its source,
    and a plain sentence for a salesperson."""

    code: str
    text: str
    weight: float | None = None
    """Weight in log-odds that stands in place of the table's, where it depends on more than the code."""


class Reason(NamedTuple):
    """A finding as people are shown it.

    `weight` is in log-odds (natural logarithm): positive speaks for a person, negative for a machine; 2.2 is 9 to 1,
    4.6 is 99 to 1. `source` says where it is known from.
    """

    code: str
    text: str
    weight: float = 0.0
    source: str = ""


class Verdict(NamedTuple):
    """`probability`, 0 to 1, is that of a person among the recipients; `confidence`, 0 to 1, is that of the class: an
    uncertain verdict is sure where the odds are even."""

    kind: Class
    confidence: float
    reasons: tuple[Reason, ...]
    rules: str
    probability: float
    was: Class | None = None
    """What was said before, where that changed more than a minute after the event."""
