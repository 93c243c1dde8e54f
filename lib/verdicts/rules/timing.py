"""Timing rules: machines look at mail as it arrives, people when they get to it."""

from __future__ import annotations

from collections.abc import Mapping

from lib.tracking.facts import Fact, FactKind
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import Scene
from lib.verdicts.weights import side_of

_WHAT: Mapping[FactKind, str] = {"open": "opened", "click": "clicked", "attachment_view": "viewed"}


def since_dispatch(fact: Fact, scene: Scene) -> Finding | None:
    """The clock starts at hand-off, not at delivery. A hit that is dated before it says that clocks differ."""
    passed, thresholds = scene.since_dispatch(fact), scene.thresholds
    if passed is None:
        return None
    if passed < -thresholds.skew:
        return Finding("before-dispatch", "Its time lies before that of the sending, so the time says nothing.")
    if passed <= thresholds.at_once[side_of(fact.kind)]:
        return Finding("at-once", f"It was {_WHAT[fact.kind]} within {_seconds(passed)} of sending, as scanners do.")
    if passed <= thresholds.soon[side_of(fact.kind)]:
        return Finding(
            "soon", f"It was {_WHAT[fact.kind]} {_seconds(passed)} after sending, which is soon for a person."
        )
    if passed <= thresholds.scans_for:
        return Finding("while-scanned", f"It was {_WHAT[fact.kind]} within the minutes in which mail is scanned.")
    if passed >= thresholds.much_later:
        return Finding("much-later", f"It was {_WHAT[fact.kind]} hours after the mail arrived, when scanners are done.")
    if passed >= thresholds.later:
        return Finding(
            "later", f"It was {_WHAT[fact.kind]} long after the mail arrived, when scanners are mostly done."
        )
    return None


def _seconds(milliseconds: int) -> str:
    seconds = max(1, round(milliseconds / 1000))
    return f"{seconds} second{'' if seconds == 1 else 's'}"


RULES = (since_dispatch,)
