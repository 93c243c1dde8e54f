"""Timing rules: machines look at mail as it arrives, people when they get to it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from lib.tracking.facts import Fact, FactKind
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import FactRule, Scene
from lib.verdicts.weights import side_of

_WHAT: Mapping[FactKind, str] = {"open": "opened", "click": "clicked", "attachment_view": "viewed"}


def since_dispatch(fact: Fact, scene: Scene) -> Finding | None:
    """The clock starts at hand-off, not at delivery. A hit that is dated before it says that clocks differ."""
    passed, thresholds = scene.since_dispatch(fact), scene.thresholds
    if passed is None:
        return None
    if passed >= thresholds.later:
        return _told("much-later" if passed >= thresholds.much_later else "later", fact.kind)
    side = side_of(fact.kind)
    if passed > thresholds.soon[side]:
        return _told("while-scanned", fact.kind) if passed <= thresholds.scans_for else None
    if passed < -thresholds.skew:
        return _told("before-dispatch", fact.kind)
    code = "at-once" if passed <= thresholds.at_once[side] else "soon"
    return _told(code, fact.kind, max(1, round(passed / 1000)))


@lru_cache(maxsize=1024)
def _told(code: str, kind: FactKind, seconds: int = 0) -> Finding:
    words = f"{seconds} second{'' if seconds == 1 else 's'}"
    return Finding(code, _SENTENCES[code].format(what=_WHAT[kind], seconds=words))


_SENTENCES: Mapping[str, str] = {
    "before-dispatch": "Its time lies before that of the sending, so the time says nothing.",
    "at-once": "It was {what} within {seconds} of sending, as scanners do.",
    "soon": "It was {what} {seconds} after sending, which is soon for a person.",
    "while-scanned": "It was {what} within the minutes in which mail is scanned.",
    "later": "It was {what} long after the mail arrived, when scanners are mostly done.",
    "much-later": "It was {what} hours after the mail arrived, when scanners are done.",
}

RULES = (FactRule(since_dispatch),)
