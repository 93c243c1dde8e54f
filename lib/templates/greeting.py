"""Whom a mail made of a template greets: pure functions.

A mail to several people is one text, so it greets all whom it is addressed to, or nobody by name: one of them alone
would be wrong for the others. People in Bcc are not named to each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from lib.fields import Regarding
from lib.languages import enumerated, spoken
from lib.messages.models import Recipient
from lib.people.addresses import same_mailbox
from lib.templates.merge_values import MergeValues
from lib.templates.models import MergeRecipient, MergeRegarding, MergeSpec

MOST_GREETED = 3
"""People whom a mail greets by name; one to more of them greets nobody so."""

_NAMES = ("recipient.name", "recipient.first_name", "recipient.last_name")


def merge_spec(
    to: Sequence[Recipient],
    cc: Sequence[Recipient],
    bcc: Sequence[Recipient],
    sender: str,
    regarding: Regarding | None,
) -> MergeSpec:
    """Return the values of a template's fields for a mail to these recipients."""
    hidden = bcc if len(bcc) == 1 else ()
    people = {same_mailbox(each.email): each for each in (to or cc or hidden)}
    greeted = [MergeRecipient(email=each.email, name=each.name, record=each.record) for each in people.values()]
    if len(greeted) > MOST_GREETED:
        greeted = []
    about = MergeRegarding(**dict(regarding)) if regarding else None
    first, *others = greeted or [MergeRecipient()]
    return MergeSpec(recipient=first, others=others, sender=sender or None, regarding=about)


def joined_values(each: Sequence[MergeValues], language: str) -> MergeValues:
    """Join the values of several recipients: names stand side by side, anything else where it is the same for all.

    A name that one of them lacks is left out for all. `language` is the template's, a tag such as `de-AT`.
    """
    if len(each) == 1:
        return each[0]
    fields = dict.fromkeys(name for values in each for name in values)
    return {name: _joined(name, [values.get(name, "") for values in each], language) for name in fields}


def _joined(name: str, values: Sequence[str], language: str) -> str:
    if len(set(values)) == 1:
        return values[0]
    return enumerated(values, language=spoken(language)) if name in _NAMES and all(values) else ""
