"""Feedback rules: what users of the organization say of an event. Their word is evidence beside the rest.

A person may have told them on the phone that the mail was read, which no trace shows. A user may also be wrong about
something that no person does: beside such a sign the word for a person has no weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lib.messages.feedback import Was
from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import Scene
from lib.verdicts.weights import WEIGHTS

_FINDINGS: Mapping[Was, Finding] = {
    "person": Finding("user-said-person", "A user of your organization said that it was a person."),
    "machine": Finding("user-said-machine", "A user of your organization said that it was a machine."),
    "me": Finding("user-said-me", "A user of your organization said that it was one of your own side."),
}

_DECISIVE = frozenset(
    (
        "head-request",
        "prefetch-header",
        "honeypot",
        "honeypot-nearby",
        "own-network",
        "own-session",
        "declared-robot",
        "no-agent",
        "flood",
        "office-check",
        "image-proxy-click",
        "user-said-me",
    )
)
"""Codes of signs of what no recipient does."""

_OUTWEIGHED = _FINDINGS["person"]._replace(
    text="A user of your organization said that it was a person; what it did outweighs that.",
    weight=0.0,
)


def user_said(fact: Fact, scene: Scene) -> Finding | None:
    was = scene.sending.feedback.get(fact.key)
    return None if was is None else _FINDINGS[was]


def outweighed(found: Sequence[Finding]) -> Sequence[Finding]:
    """Return the findings; beside a decisive sign, what speaks for a person is among them without a weight.

    A colleague may open a mail, follow its link and come back the next day: that stays a colleague's.
    """
    if not any(finding.code in _DECISIVE for finding in found):
        return found
    return [_without_weight(finding) if _speaks_for_a_person(finding) else finding for finding in found]


def _speaks_for_a_person(finding: Finding) -> bool:
    weight = WEIGHTS[finding.code]
    return max(weight.open, weight.click) > 0 if finding.weight is None else finding.weight > 0


def _without_weight(finding: Finding) -> Finding:
    return _OUTWEIGHED if finding == _FINDINGS["person"] else finding._replace(weight=0.0)


RULES = (user_said,)
