"""Timing rules: machines look at mail as it arrives, people when they get to it."""

from __future__ import annotations

from collections.abc import Mapping

from lib.tracking.facts import FactKind
from lib.verdicts.circumstances import Circumstances
from lib.verdicts.evidence import Finding
from lib.verdicts.thresholds import DEFAULT
from lib.verdicts.weights import Side, side_of

_WHAT: Mapping[FactKind, str] = {"open": "opened", "click": "clicked", "attachment_view": "viewed"}


def since_dispatch(circumstances: Circumstances) -> Finding | None:
    """The clock starts at hand-off, not at delivery. A hit that is dated before it says that clocks differ."""
    passed = circumstances.passed
    if passed is None:
        return None
    code = _code(passed, side_of(circumstances.kind))
    if code is None:
        return None
    seconds = circumstances.seconds
    words = f"{seconds} second{'' if seconds == 1 else 's'}"
    return Finding(code, _SENTENCES[code].format(what=_WHAT[circumstances.kind], seconds=words))


def _code(passed: int, side: Side) -> str | None:
    if passed >= DEFAULT.later:
        return "much-later" if passed >= DEFAULT.much_later else "later"
    if passed > DEFAULT.soon[side]:
        return "while-scanned" if passed <= DEFAULT.scans_for else None
    if passed < -DEFAULT.skew:
        return "before-dispatch"
    return "at-once" if passed <= DEFAULT.at_once[side] else "soon"


_SENTENCES: Mapping[str, str] = {
    "before-dispatch": "Its time lies before that of the sending, so the time says nothing.",
    "at-once": "It was {what} within {seconds} of sending, as scanners do.",
    "soon": "It was {what} {seconds} after sending, which is soon for a person.",
    "while-scanned": "It was {what} within the minutes in which mail is scanned.",
    "later": "It was {what} long after the mail arrived, when scanners are mostly done.",
    "much-later": "It was {what} hours after the mail arrived, when scanners are done.",
}

RULES = (since_dispatch,)
