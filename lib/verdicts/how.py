"""How it asks: the method, and headers that announce a prefetch."""

from __future__ import annotations

from lib.facts import Fact
from lib.verdicts.evidence import Evidence

_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_IN_ADVANCE = ("prefetch", "prerender", "preview")


def head(fact: Fact) -> Evidence | None:
    if fact.method != "HEAD":
        return None
    return Evidence(
        "head-request",
        "It only asked whether the address works, as link checkers do; people's programs load it.",
        -6.0,
        "civicrm#35328",
    )


def prefetch(fact: Fact) -> Evidence | None:
    values = " ".join(fact.headers.get(name, "") for name in _PURPOSES).lower()
    if not any(word in values for word in _IN_ADVANCE):
        return None
    return Evidence(
        "prefetch-header",
        "The browser said that it loads this in advance, before anyone asked for it.",
        -6.0,
        "mautic#15844",
    )
