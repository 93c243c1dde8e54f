"""Earlier classes of verdicts: what was said of an event before, as somebody may have acted on it."""

from __future__ import annotations

from collections.abc import Mapping

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Verdict
from lib.verdicts.thresholds import MINUTE


def with_earlier_classes(
    verdicts: Mapping[str, Verdict], known: Mapping[str, tuple[Fact, Verdict]], now: int
) -> dict[str, Verdict]:
    """Return the verdicts, by the fact's key, with what was said before; `known` are facts with their stored verdicts.

    `now` is in milliseconds since 1970. Within a minute of the event verdicts settle, and cards do not tell of it yet.
    """
    return {key: _with_earlier(verdict, known.get(key), now) for key, verdict in verdicts.items()}


def _with_earlier(verdict: Verdict, known: tuple[Fact, Verdict] | None, now: int) -> Verdict:
    if known is None:
        return verdict
    fact, before = known
    is_told = before.kind != verdict.kind and now - fact.at > MINUTE
    was = before.kind if is_told else before.was
    return verdict if was is None else verdict._replace(was=was)
