"""Feedback rules: what users of the organization say of an event. Their word is evidence beside the rest.

A person may have told them on the phone that the mail was read, which no trace shows. A user may also be wrong about
something that no person does: beside such a sign the word for a person has no weight (`lib.verdicts.weighing`).
"""

from __future__ import annotations

from collections.abc import Mapping

from lib.messages.feedback import Was
from lib.verdicts.circumstances import Circumstances
from lib.verdicts.evidence import Finding

_FINDINGS: Mapping[Was, Finding] = {
    "person": Finding("user-said-person", "A user of your organization said that it was a person."),
    "machine": Finding("user-said-machine", "A user of your organization said that it was a machine."),
    "me": Finding("user-said-me", "A user of your organization said that it was one of your own side."),
}

WORDS = frozenset(finding.code for finding in _FINDINGS.values())
"""Codes of the findings."""


def user_said(circumstances: Circumstances) -> Finding | None:
    return None if circumstances.said is None else _FINDINGS[circumstances.said]


RULES = (user_said,)
