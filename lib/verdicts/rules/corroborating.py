"""Corroborating rules: what speaks for a person. They look at facts that no other rule takes for a machine's."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from lib.tracking.facts import Fact
from lib.verdicts.answers import OF_READERS
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import (
    NEVER_PEOPLE,
    Findings,
    PatternRule,
    Scene,
    count_between,
    has_between,
    source_of,
    target_of,
    times_by,
)


def seen_before_clicked(scene: Scene) -> Findings:
    """A person sees the mail, then follows a link. A mail program or a mail service's image proxy is hard to imitate;
    that a browser loaded the image first says less."""
    thresholds = scene.thresholds
    for recipient, opens in scene.opens_by_recipient.items():
        clicks = scene.clicks_by_recipient.get(recipient)
        if not clicks:
            continue
        seen = [fact for fact in opens if fact.key not in scene.suspects]
        read = [fact for fact in seen if scene.request(fact).is_read_in_mail]
        looks = _Looks(seen, read)
        for click in clicks:
            low, high = click.at - thresholds.reads_for, click.at - thresholds.sees_before_click
            if code := looks.before(click, low, high):
                yield click, _SEEN_BEFORE[code]
        followed = [click for click in clicks if click.key not in scene.suspects]
        times, times_of = [click.at for click in followed], times_by(followed, source_of)
        for fact in opens:
            low, high = fact.at + thresholds.sees_before_click, fact.at + thresholds.reads_for
            if after := count_between(times, low, high):
                is_same = count_between(times_of.get(source_of(fact), ()), low, high) == after
                yield fact, _FOLLOWED[_followed(fact, scene, by_the_same=is_same)]


_SEEN_BEFORE = {
    code: Finding(code, text)
    for code, text in (
        ("read-at-the-same-place", "A mail program at the same place had opened the mail just before."),
        ("read-before", "The mail had just been opened in a mail program."),
        ("opened-by-the-same", "The mail had been opened just before."),
        ("opened-before", "The mail had been opened just before."),
    )
}
_FOLLOWED = {
    code: Finding(code, "A link of the mail was followed soon after.")
    for code in ("clicked-after", "clicked-by-the-same", "followed-by-a-click")
}


class _Looks:
    """Times of a recipient's opens: of those that were `seen`, and of them, those through a mail program or a proxy."""

    def __init__(self, seen: Sequence[Fact], read: Sequence[Fact]) -> None:
        self._seen, self._seen_by = [fact.at for fact in seen], times_by(seen, source_of)
        self._read, self._read_at = [fact.at for fact in read], times_by(read, lambda fact: fact.network)

    def before(self, click: Fact, low: int, high: int) -> str | None:
        """Return the code for a click after opens between two times; None where there are none."""
        if has_between(self._read, low, high):
            is_there = click.network is not None and has_between(self._read_at.get(click.network, ()), low, high)
            return "read-at-the-same-place" if is_there else "read-before"
        if seen := count_between(self._seen, low, high):
            is_same = count_between(self._seen_by.get(source_of(click), ()), low, high) == seen
            return "opened-by-the-same" if is_same else "opened-before"
        return None


def _followed(fact: Fact, scene: Scene, *, by_the_same: bool) -> str:
    """Code for an open before clicks. A browser that loads the image and then a link may be a scanner's."""
    if scene.request(fact).is_read_in_mail:
        return "clicked-after"
    if by_the_same:
        return "clicked-by-the-same"
    return "followed-by-a-click" if scene.is_early(fact) else "clicked-after"


_REPLIED_AFTER = Finding("replied-after", "The recipient answered the mail afterwards.")


def replied_after(scene: Scene) -> Findings:
    """Find the last look before an answer: who answers has read the mail. Earlier looks may be a machine's."""
    answers = [each for each in scene.answers if each.kind in OF_READERS and each.recipient is not None]
    for recipient, answered in times_by(answers, lambda fact: fact.recipient).items():
        for some in (scene.opens_by_recipient, scene.clicks_by_recipient):
            looks = [fact for fact in some.get(recipient, ()) if fact.key not in scene.suspects]
            times = [fact.at for fact in looks]
            for place in sorted({bisect_right(times, at) for at in answered} - {0}):
                yield looks[place - 1], _REPLIED_AFTER


_CAME_BACK = Finding("came-back", "The same device looked at the mail again later.")


def came_back(scene: Scene) -> Findings:
    """Match the same source again, much later, and never as a machine: scanners do not come back to read.

    A scanner may open a mail, wait, and follow every link; and the sender looks again at a mail that an answer quotes.
    """
    for facts in scene.by_source.values():
        owner = scene.owner(facts[0])
        if facts[-1].at - facts[0].at < scene.thresholds.comes_back or (owner and owner.kind in NEVER_PEOPLE):
            continue
        if (
            any(fact.key in scene.suspects for fact in facts)
            or _only_follows(facts, scene)
            or _is_answered(facts, scene)
        ):
            continue
        for fact in facts:
            yield fact, _CAME_BACK


def _only_follows(facts: Sequence[Fact], scene: Scene) -> bool:
    """Whether the source opened the mail as scanners do, and came back to follow links and for nothing else."""
    later = [fact for fact in facts if fact.at - facts[0].at >= scene.thresholds.comes_back]
    if facts[0].kind != "open" or any(fact.kind == "open" for fact in later):
        return False
    return scene.is_early(facts[0]) or len({target_of(fact) for fact in later}) >= scene.thresholds.coverage_from


def _is_answered(facts: Sequence[Fact], scene: Scene) -> bool:
    """Whether the recipient had answered before the source first came."""
    first = facts[0]
    answered = scene.first_replies.get(first.recipient)
    return answered is not None and answered < first.at


RULES = (
    PatternRule(seen_before_clicked, "opens-and-clicks"),
    PatternRule(replied_after, "answers"),
    PatternRule(came_back, "a-long-time"),
)
