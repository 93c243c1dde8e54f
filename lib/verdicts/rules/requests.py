"""Request rules: the method, and headers that give a machine away."""

from __future__ import annotations

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import Scene
from lib.verdicts.rules.browsers import is_browser

_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_IN_ADVANCE = ("prefetch", "prerender", "preview")


def head(fact: Fact, _: Scene) -> Finding | None:
    if fact.method != "HEAD":
        return None
    return Finding("head-request", "It only asked whether the address works, as link checkers do.")


def prefetch(fact: Fact, _: Scene) -> Finding | None:
    values = " ".join(fact.headers.get(name, "") for name in _PURPOSES).lower()
    if not any(word in values for word in _IN_ADVANCE):
        return None
    return Finding("prefetch-header", "The browser said that it loads this in advance, before anyone asked for it.")


def no_language(fact: Fact, scene: Scene) -> Finding | None:
    """Browsers name the languages of their user with every page."""
    if fact.kind == "open" or "accept-language" in fact.headers or not fact.agent:
        return None
    if not is_browser(fact.agent) or scene.catalogues.agents.declared_robot(fact.agent):
        return None
    return Finding("no-language", "It says it is a browser, but does not name its user's languages, as browsers do.")


RULES = (head, prefetch, no_language)
