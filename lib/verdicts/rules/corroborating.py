"""Corroborating rules: what speaks for a person. They look at facts that no other rule takes for a machine's."""

from __future__ import annotations

from lib.verdicts.answers import OF_READERS
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import NEVER_PEOPLE, Findings, PatternRule, Scene, has_between, source_of


def seen_before_clicked(scene: Scene) -> Findings:
    """A person sees the mail, then follows a link. A mail program or a mail service's image proxy is hard to imitate;
    that a browser loaded the image first says less."""
    thresholds = scene.thresholds
    for recipient, opens in scene.opens_by_recipient.items():
        clicks = scene.clicks_by_recipient.get(recipient)
        if not clicks:
            continue
        seen = [fact for fact in opens if fact.key not in scene.suspects]
        any_open = [fact.at for fact in seen]
        read = [fact for fact in seen if scene.request(fact).is_read_in_mail]
        for click in clicks:
            low, high = click.at - thresholds.reads_for, click.at - thresholds.sees_before_click
            before = [fact for fact in read if low <= fact.at <= high]
            if any(fact.network == click.network and click.network for fact in before):
                text = "A mail program at the same place had opened the mail just before."
                yield click, Finding("read-at-the-same-place", text)
            elif before:
                yield click, Finding("read-before", "The mail had just been opened in a mail program.")
            elif has_between(any_open, low, high):
                same = all(source_of(fact) == source_of(click) for fact in seen if low <= fact.at <= high)
                code = "opened-by-the-same" if same else "opened-before"
                yield click, Finding(code, "The mail had been opened just before.")
        clicked = [click.at for click in clicks if click.key not in scene.suspects]
        sources = [source_of(click) for click in clicks if click.key not in scene.suspects]
        for fact in opens:
            low, high = fact.at + thresholds.sees_before_click, fact.at + thresholds.reads_for
            if has_between(clicked, low, high):
                # A browser that loads the image and then a link may be a scanner's.
                same = not scene.request(fact).is_read_in_mail and all(
                    source == source_of(fact) for at, source in zip(clicked, sources, strict=True) if low <= at <= high
                )
                code = (
                    "followed-by-a-click"
                    if scene.is_early(fact) and not scene.request(fact).is_read_in_mail
                    else "clicked-after"
                )
                yield (
                    fact,
                    Finding("clicked-by-the-same" if same else code, "A link of the mail was followed soon after."),
                )


def replied_after(scene: Scene) -> Findings:
    """Find the last look before an answer: who answers has read the mail. Earlier looks may be a machine's."""
    for answer in scene.answers:
        if answer.kind not in OF_READERS or answer.recipient is None:
            continue
        for looks in (scene.opens_by_recipient, scene.clicks_by_recipient):
            before = [f for f in looks.get(answer.recipient, ()) if f.at <= answer.at and f.key not in scene.suspects]
            if before:
                yield before[-1], Finding("replied-after", "The recipient answered the mail afterwards.")


def came_back(scene: Scene) -> Findings:
    """Match the same source again, much later, and never as a machine: scanners do not come back to read."""
    for facts in scene.by_source.values():
        owner = scene.owner(facts[0])
        if facts[-1].at - facts[0].at < scene.thresholds.comes_back or (owner and owner.kind in NEVER_PEOPLE):
            continue
        if any(fact.key in scene.suspects for fact in facts):
            continue
        for fact in facts:
            yield fact, Finding("came-back", "The same device looked at the mail again later.")


RULES = (
    PatternRule(seen_before_clicked, hits=2, clicks=1),
    PatternRule(replied_after),
    PatternRule(came_back, hits=2),
)
