"""Verdicts on mail that came back: its kind says who wrote it, so that there is nothing to weigh."""

from __future__ import annotations

from collections.abc import Mapping

from lib.tracking.facts import AnswerKind, Fact, FactKind
from lib.verdicts.evidence import Class, Reason, Verdict
from lib.verdicts.weights import RULES_VERSION

_WRITERS: Mapping[FactKind, tuple[Class, str]] = {
    "reply": ("human", "A person wrote back."),
    "calendar_answer": ("human", "A person answered the invitation."),
    "read_receipt": ("human", "The recipient's mail program confirmed that the mail was read."),
    "forward": ("human", "A person passed the mail on."),
    "complaint": ("human", "The recipient reported the mail as unwanted."),
    "auto_reply": ("machine", "A program answered, such as a notice of absence."),
    "bounce": ("machine", "A mail server reported that the mail was not delivered."),
}

OF_READERS: frozenset[AnswerKind] = frozenset(("reply", "calendar_answer", "read_receipt"))
"""Kinds of mail whose writer has read the mail that it answers."""

MOST_ANSWERS = 100
"""Mails that came back of one message, the first ones, of which cards tell; a mail loop can bring thousands."""


def answer_verdict(fact: Fact) -> Verdict:
    """Return the verdict on mail that came back: it is certain."""
    kind, text = _WRITERS[fact.kind]
    return Verdict(kind, 1.0, (Reason(fact.kind, text),), RULES_VERSION, 1.0 if kind == "human" else 0.0)
