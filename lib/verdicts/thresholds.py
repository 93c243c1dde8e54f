"""Thresholds of the rules and the verdicts, one set for all; times in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from lib.verdicts.weights import Side

SECOND = 1_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE

SETTLING = timedelta(seconds=10)
"""Time within which bursts, and one source at many mails, show. Cards wait at least as long
(`lib.verdicts.settling`)."""


LIKELY = 0.8
"""How sure a verdict is, 0 to 1, from which people are told of it as likely."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`human_from` and `machine_until` are probabilities of a person: at and above the first a fact is a person's, at
    and below the second a machine's. A real click that is taken for a machine's loses a lead, a scan that is taken for
    a person's wastes a call: so they are not the same for opens and clicks."""

    human_from: Mapping[Side, float] = field(default_factory=lambda: {"open": 0.6, "click": 0.11})
    machine_until: Mapping[Side, float] = field(default_factory=lambda: {"open": 0.2, "click": 0.09})

    alert_from: Mapping[Side, float] = field(default_factory=lambda: {"open": 0.93, "click": 0.25})
    """Probability from which a person's open or click is told at once, by a card. A false alert costs a call, so it is
    more than `human_from`: what lies between shows in lists and timelines alone."""

    at_once: Mapping[Side, int] = field(default_factory=lambda: {"open": 15 * SECOND, "click": 10 * SECOND})
    soon: Mapping[Side, int] = field(default_factory=lambda: {"open": 60 * SECOND, "click": 60 * SECOND})
    scans_for: int = 15 * MINUTE
    """After dispatch: nearly all scans at delivery are over by then."""

    later: int = 60 * MINUTE
    much_later: int = 6 * 60 * MINUTE
    skew: int = 2 * SECOND
    """Clock difference: a fact dated up to this long before dispatch counts as soon after it."""

    gateway_scans_for: int = 600 * SECOND
    burst: int = 5 * SECOND
    hand: int = 500
    """Milliseconds within which no person follows two different links."""

    coverage_pace: int = 4 * SECOND
    """Links followed at one go come no further apart on average."""

    coverage_from: int = 3
    """Links of a mail."""

    lone: int = 3 * MINUTE
    twin: int = 10 * SECOND
    check_after: int = 60 * SECOND
    beside: int = 10 * SECOND
    contagion: int = 15 * MINUTE
    honeypot: int = 15 * MINUTE
    repeats_click: int = 4 * MINUTE
    in_order: int = 30 * MINUTE
    sees_before_click: int = 2 * SECOND
    reads_for: int = 30 * MINUTE
    comes_back: int = 20 * MINUTE
    many_opens: int = 20
    many_mails: int = 3
    flood: int = 120
    """Hits a minute on one token; more are no person's."""


DEFAULT = Thresholds()
