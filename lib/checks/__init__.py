"""Checks of a mail before it is sent: the one list of their codes, each with its meaning and its sentence.

`simulate`, `prepare` and a draft's GET answer with them. `make docs` makes the table in docs/checks.md from `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from lib.languages import enumerated

CheckCode = Literal[
    "no_visible_image",
    "text_only",
    "clipped",
    "sensitive_file",
    "bounced_before",
    "link_text_differs",
    "denied_host",
    "lookalike_host",
    "signed",
    "unknown_record",
    "ambiguous_recipient",
    "too_many_recipients_for_transport",
    "too_large_for_transport",
]

_MOST_NAMED = 5
"""Names that a sentence holds before it counts the rest."""


class Check(BaseModel):
    """A remark on a mail that its author should see before it is sent."""

    code: CheckCode = Field(description="a stable word for programs")
    text: str = Field(description="a sentence for people that says what to do")


@dataclass(frozen=True, slots=True)
class CheckKind:
    """A kind of check."""

    meaning: str
    """When it is said, for the documentation."""
    sentence: str
    """What it says, with `{names}` for what the caller knows."""


CHECKS: Mapping[CheckCode, CheckKind] = {
    "no_visible_image": CheckKind(
        "A followed HTML mail shows no image.",
        "The mail shows no image, so opens may go unseen: many mail programs load the invisible pixel only with images "
        "that the reader asks for. Put a picture into it, such as a logo.",
    ),
    "text_only": CheckKind(
        "A followed mail has no HTML.",
        "The mail is plain text, so opens cannot be seen, only clicks. Write it in HTML for that.",
    ),
    "clipped": CheckKind("The HTML is so large that Gmail shows only a part of it.", "{remark} Shorten the mail."),
    "sensitive_file": CheckKind(
        "A followed attachment has a name that looks sensitive.",
        "{names}: by the name this looks sensitive. A followed file is stored, and opens for all who have its link. "
        "With followed=false it travels in the mail.",
    ),
    "bounced_before": CheckKind(
        "An earlier mail to a recipient was refused because the address is unknown, or came back for good.",
        "Earlier mail to {names} was refused because the address is unknown, or came back. Make sure that it is right.",
    ),
    "link_text_differs": CheckKind(
        "The text of a followed link shows an address of another site than the one that it leads to.",
        "A link shows another address than it leads to ({place}): filters take that for phishing. Show words instead.",
    ),
    "denied_host": CheckKind(
        "A link leads to a host that the organization or the operator has denied.",
        "A link is not followed ({place}): {remark} Take it out unless you are sure of it.",
    ),
    "lookalike_host": CheckKind(
        "A link leads to a host that can be taken for another one: of mixed scripts, or of letters that look Latin.",
        "{remark} Make sure that it is the right one: look-alike names are used for phishing, and filters know that.",
    ),
    "signed": CheckKind("A part of the mail is signed or encrypted, and is left unchanged.", "{remark}"),
    "unknown_record": CheckKind(
        "A record that the message names is not there.",
        "The message names records that do not exist here: {names}. Put them, or correct the message.",
    ),
    "ambiguous_recipient": CheckKind(
        "Several records have a recipient's address, and nothing says which one is meant.",
        "Several records have the same address, so the mail is linked to none of them: {names}. Name the recipient's "
        "record in the message; GET …/recipients lists the candidates.",
    ),
    "too_many_recipients_for_transport": CheckKind("The mail's provider takes fewer recipients.", "{remark}"),
    "too_large_for_transport": CheckKind("The mail's provider takes only smaller mails or files.", "{remark}"),
}


def make_check(code: CheckCode, names: Sequence[str] = (), **values: str) -> Check:
    """Say the sentence of this code, with the first names and with what else it needs."""
    return Check(code=code, text=CHECKS[code].sentence.format(names=enumerated(names, _MOST_NAMED), **values))
