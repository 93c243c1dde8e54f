"""Words about a person: how much of their mail was read, what their score is made of, and what they have said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lib.console.sentences import Sentence
from lib.console.times import Times, counted
from lib.people.preference import Preference
from lib.records import Engagement
from lib.records.rollups import ScoreParts

_FEW = 5
"""Number of mails below which no share is told: it would say more than is known."""

_LABELS = {
    "opens": "Opens",
    "clicks": "Clicks",
    "attachment_views": "Attachment views",
    "replies": "Replies",
}

SAID: Mapping[Preference, str] = {
    "allow": "agrees to be followed",
    "do_not_allow": "does not want to be followed",
    "unknown": "has said nothing",
}
"""What the owner of an address has said, behind their name."""


class ReadMails(NamedTuple):
    """Numbers of the followed mails that a page shows, and of those that a person has read."""

    read: int
    followed: int

    @property
    def text(self) -> str:
        """The share in words: `of the last 8 followed (75 %)`; of few mails without a percentage."""
        if self.followed < 2:
            return "of one that was followed" if self.followed else "none was followed"
        share = f" ({round(100 * self.read / self.followed)} %)" if self.followed >= _FEW else ""
        return f"of the last {self.followed:,} followed{share}"


class Part(NamedTuple):
    """A part of a score."""

    label: str
    value: float
    percent: int
    """The part's share in the whole score, from 0 to 100."""


def parts_of(parts: ScoreParts) -> list[Part]:
    """Name the parts of a score with their shares."""
    values: dict[str, float] = parts.model_dump()
    whole = sum(values.values())
    return [Part(label, values[name], round(100 * values[name] / (whole or 1))) for name, label in _LABELS.items()]


def sentence_about(name: str, engagement: Engagement, mails: ReadMails, times: Times) -> Sentence:
    """Say in a sentence how a person, or another record, takes mail."""
    rest = _reading(mails) if mails.followed else ""
    if engagement.last_replied_at is not None:
        often, last = counted(engagement.replies, "answer"), times.moment(engagement.last_replied_at)
        return Sentence("human", f"{often} came from {name}, the last {last}.", rest)
    if engagement.last_opened_at is not None or engagement.last_clicked_at is not None:
        seen = [each for each in (engagement.last_opened_at, engagement.last_clicked_at) if each is not None]
        return Sentence("human", f"Mail to {name} was last read {times.moment(max(seen))}.", rest)
    if engagement.messages == 0:
        return Sentence("plain", f"No mail has gone to {name} yet.")
    if not mails.followed:
        return Sentence("plain", f"Mail to {name} was not followed.", "So Heed does not know whether it was read.")
    text = f"As far as is known, no person has read the mail to {name}."
    return Sentence("plain", text, "Many mail programs load no images, so a reply or a click is the only sure sign.")


def _reading(mails: ReadMails) -> str:
    if mails.followed == 1:
        return "The one mail that was followed was read." if mails.read else ""
    return f"{mails.read:,} of the last {mails.followed:,} followed mails {'was' if mails.read == 1 else 'were'} read."
