"""Corroborating rules: what speaks for a person. They look at facts that no other rule takes for a machine's."""

from __future__ import annotations

from collections.abc import Sequence

from lib.tracking.facts import Fact
from lib.verdicts.answers import OF_READERS
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import NEVER_PEOPLE, Findings, PatternRule, Scene, between, source_of, target_of


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
        for click in clicks:
            low, high = click.at - thresholds.reads_for, click.at - thresholds.sees_before_click
            if code := _seen_before(click, between(read, low, high), between(seen, low, high)):
                yield click, _SEEN_BEFORE[code]
        followed = [click for click in clicks if click.key not in scene.suspects]
        for fact in opens:
            after = between(followed, fact.at + thresholds.sees_before_click, fact.at + thresholds.reads_for)
            if after:
                yield fact, _FOLLOWED[_followed(fact, after, scene)]


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


def _seen_before(click: Fact, read: Sequence[Fact], seen: Sequence[Fact]) -> str | None:
    """Code for a click after these opens: of them, those that were `read` came through a mail program or a proxy."""
    if read:
        is_there = click.network is not None and any(fact.network == click.network for fact in read)
        return "read-at-the-same-place" if is_there else "read-before"
    if seen:
        source = source_of(click)
        return "opened-by-the-same" if all(source_of(fact) == source for fact in seen) else "opened-before"
    return None


def _followed(fact: Fact, after: Sequence[Fact], scene: Scene) -> str:
    """Code for an open before these clicks. A browser that loads the image and then a link may be a scanner's."""
    if scene.request(fact).is_read_in_mail:
        return "clicked-after"
    source = source_of(fact)
    if all(source_of(click) == source for click in after):
        return "clicked-by-the-same"
    return "followed-by-a-click" if scene.is_early(fact) else "clicked-after"


def replied_after(scene: Scene) -> Findings:
    """Find the last look before an answer: who answers has read the mail. Earlier looks may be a machine's."""
    for answer in scene.answers:
        if answer.kind not in OF_READERS or answer.recipient is None:
            continue
        for looks in (scene.opens_by_recipient, scene.clicks_by_recipient):
            before = [f for f in looks.get(answer.recipient, ()) if f.at <= answer.at and f.key not in scene.suspects]
            if before:
                yield before[-1], Finding("replied-after", "The recipient answered the mail afterwards.")


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
    replies = (each for each in scene.answers if each.kind == "reply")
    return any(each.recipient == first.recipient and each.at < first.at for each in replies)


RULES = (
    PatternRule(seen_before_clicked, "opens-and-clicks"),
    PatternRule(replied_after, "answers"),
    PatternRule(came_back, "a-long-time"),
)
