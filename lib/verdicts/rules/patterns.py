"""Pattern rules: what the other facts of the message say about one. Each rule looks at all facts at once.

A source here is a network and an agent; what many people share (image proxies, relays) is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from lib.catalogues.devices import device_of
from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import (
    NEVER_PEOPLE,
    Findings,
    PatternRule,
    Scene,
    Source,
    between,
    has_between,
    source_of,
    target_of,
    windows,
)

_AT_ONCE = Finding("faster-than-a-hand", "Several links were followed within half a second, faster than a hand can.")
_BURST = Finding("burst", "Several links were followed within seconds of each other, soon after the mail arrived.")
_BURST_LATER = Finding("burst-later", "Several links were followed within seconds of each other.")


def burst(scene: Scene) -> Findings:
    """Two different links within seconds from one source; the first one, too, afterwards. Long after the mail arrived
    people do it, too: they open links in tabs."""
    for clicks in scene.clicks_by_source.values():
        if len(clicks) < 2:
            continue
        together = _places_with_several_links(clicks, scene.thresholds.burst)
        at_once = _places_with_several_links(clicks, scene.thresholds.hand) if together else set[int]()
        for place in together:
            click = clicks[place]
            if place in at_once:
                yield click, _AT_ONCE
            else:
                yield click, _BURST if scene.is_early(click) else _BURST_LATER


def _places_with_several_links(clicks: Sequence[Fact], span: int) -> set[int]:
    return {place for first, end, links in windows(clicks, span) if len(links) > 1 for place in range(first, end)}


_SCATTERED = Finding("scattered", "Several links were followed within seconds from several places at once.")


def scattered(scene: Scene) -> Findings:
    """Different links of one copy within seconds from several sources: a scanner that hides behind addresses."""
    for clicks in scene.clicks_by_recipient.values():
        for first, end, links in windows(clicks, scene.thresholds.burst) if len(clicks) > 1 else ():
            group = clicks[first:end]
            if len(links) > 1 and len({fact.network for fact in group}) > 1:
                for fact in group:
                    yield fact, _SCATTERED


_EVERY_LINK = Finding("every-link", "Every link of the mail was followed at one go.")
_EVERY_LINK_IN_ORDER = Finding(
    "every-link-in-order", "Every link of the mail was followed at one go, in the order of the mail."
)


def coverage(scene: Scene) -> Findings:
    """Every link at one go, where there are three or more; surer when they come in the order of the document."""
    count = scene.sending.links
    for clicks in scene.clicks_by_recipient.values():
        for first, end, links in (
            windows(clicks, scene.thresholds.coverage_pace * count) if len(clicks) >= count else ()
        ):
            if sum(target >= 0 for target in links) < count:
                continue
            group = clicks[first:end]
            in_order = all(earlier.item <= later.item for earlier, later in pairwise(group))
            for fact in group:
                yield fact, _EVERY_LINK_IN_ORDER if in_order else _EVERY_LINK


_WHOLE_MAIL = Finding(
    "whole-mail-in-order", "The same source followed every link of the mail, one after the other, in their order."
)


def whole_mail_in_order(scene: Scene) -> Findings:
    """One source follows every link once, in the order of the document, at any pace within minutes."""
    count = scene.sending.links
    for clicks in scene.clicks_by_source.values():
        by_recipient: dict[int | None, list[Fact]] = defaultdict(list)
        for click in clicks:
            if click.kind == "click":
                by_recipient[click.recipient].append(click)
        for some in by_recipient.values():
            if len(some) < count or some[-1].at - some[0].at > scene.thresholds.in_order:
                continue
            items = [click.item for click in some]
            if items == sorted(items) and len(set(items)) == count:
                for click in some:
                    yield click, _WHOLE_MAIL


_LONE_LINK = Finding("lone-link", "Only this link of the mail was followed at that time.")


def lone_link(scene: Scene) -> Findings:
    """One link of several, and no other around that time: scanners follow more, people mostly one."""
    span = scene.thresholds.lone
    for clicks in scene.clicks_by_recipient.values():
        before = _nearest_others(clicks, range(len(clicks)))
        behind = _nearest_others(clicks, range(len(clicks) - 1, -1, -1))
        for place, click in enumerate(clicks):
            others = [each for each in (before[place], behind[place]) if each is not None]
            if all(abs(clicks[each].at - click.at) > span for each in others):
                yield click, _LONE_LINK


def _nearest_others(clicks: Sequence[Fact], order: Sequence[int]) -> dict[int, int | None]:
    """Find the place of the nearest click on another link that comes before each click in this order of places."""
    found: dict[int, int | None] = {}
    for last, place in pairwise(order):
        is_other = target_of(clicks[last]) != target_of(clicks[place])
        found[place] = last if is_other else found.get(last)
    return {order[0]: None, **found}


def twin(scene: Scene) -> Findings:
    """Match the same link twice within seconds: once from where checks run, once from elsewhere, as another system.

    Checks come before the browser is let through, and now and then some seconds after it. A desktop in a cloud that
    reads the mail is no check.
    """
    opened = _first_openings(scene)
    for clicks in scene.clicks_by_link.values():
        for first, second in pairwise(clicks):
            apart = second.at - first.at
            if apart > scene.thresholds.check_after or not _differ(first, second):
                continue
            first_checks, second_checks = _may_check(first, scene, opened), _may_check(second, scene, opened)
            if first_checks and not second_checks and apart <= scene.thresholds.twin:
                yield first, _checked(first, scene, "checked-first", "seconds later it was followed from elsewhere")
                yield second, Finding("person-after-check", "The link had just been checked for whoever followed it.")
            elif second_checks and not first_checks:
                yield second, _checked(second, scene, "checked-after", "it had just been followed from elsewhere")


_Openings = Mapping[tuple[Source, int | None], int]


def _first_openings(scene: Scene) -> _Openings:
    """Times at which sources first opened a copy, as no machine does, by source and recipient."""
    found: dict[tuple[Source, int | None], int] = {}
    for source, facts in scene.by_source.items():
        for fact in facts:
            if fact.kind == "open" and fact.key not in scene.suspects:
                found.setdefault((source, fact.recipient), fact.at)
    return found


def _may_check(fact: Fact, scene: Scene, opened: _Openings) -> bool:
    owner = scene.owner(fact)
    is_where_checks_run = owner is not None and owner.kind in NEVER_PEOPLE
    return fact.key in scene.suspects or (is_where_checks_run and not _is_at_the_readers(fact, scene, opened))


def _is_at_the_readers(fact: Fact, scene: Scene, opened: _Openings) -> bool:
    """Whether the source had opened the mail, as no machine does, or was at this recipient's other mail alone."""
    past = scene.pasts.get(fact.key)
    if past is not None and (past.is_sure_persons_place or past.is_this_persons_alone):
        return True
    first = opened.get((source_of(fact), fact.recipient))
    return first is not None and first <= fact.at - scene.thresholds.sees_before_click


def _checked(fact: Fact, scene: Scene, code: str, then: str) -> Finding:
    owner = scene.owner(fact)
    return Finding(code, f"{owner.name if owner else 'A machine'} checked the link: {then}.")


def _differ(first: Fact, second: Fact) -> bool:
    return source_of(first) != source_of(second) and (
        first.network != second.network or device_of(first.agent)["os"] != device_of(second.agent)["os"]
    )


def pairs(scene: Scene) -> Findings:
    """Two clicks on one link within minutes from different networks: the one at the place of reading is the person's.

    Products check a link before they let the browser through, or repeat the click from elsewhere.
    """
    for (recipient, _), clicks in scene.clicks_by_link.items():
        if len(clicks) < 2:
            continue
        places = _places_of_reading(scene, recipient)
        for first, second in pairwise(clicks):
            apart = second.at - first.at
            if apart > scene.thresholds.repeats_click or first.network == second.network:
                continue
            near = "near" if apart <= scene.thresholds.check_after else "late"
            there = first.network in places, second.network in places
            if there == (True, False) or there == (False, True):
                person, check = (first, second) if there[0] else (second, first)
                yield (
                    person,
                    Finding("clicked-where-read", "It is the one of two clicks that came from where the mail is read."),
                )
                yield (
                    check,
                    Finding(
                        f"click-repeated-{near}",
                        "The same link was followed from where the mail is read, at about that time.",
                    ),
                )
            elif there == (False, False) and apart > scene.thresholds.check_after:
                text = "The same link was followed again from elsewhere, minutes later."
                yield first, Finding("followed-again-from-elsewhere", text)


def _places_of_reading(scene: Scene, recipient: int | None) -> set[str | None]:
    """Networks at which this copy was read in a mail program, or the recipient certainly read other mail."""
    places: set[str | None] = set()
    for fact in scene.by_recipient.get(recipient, ()):
        past = scene.pasts.get(fact.key)
        if fact.key in scene.suspects or scene.is_shared(fact):
            continue
        known = past is not None and past.is_sure_persons_place
        if known or (fact.kind == "open" and scene.request(fact).is_read_in_mail):
            places.add(fact.network)
    return places


_AFTER_THE_ANSWER = Finding("after-the-answer", "The recipient had answered before, and an answer quotes the mail.")


def quoted(scene: Scene) -> Findings:
    """Opens after the recipient's answer, where the recipient was not before: the sender reads the quoted mail."""
    for recipient, answered in scene.first_replies.items():
        if recipient is None:
            continue
        facts = scene.by_recipient.get(recipient, ())
        before = {source_of(fact) for fact in facts if fact.at <= answered}
        for fact in facts:
            if fact.kind == "open" and answered < fact.at and source_of(fact) not in before:
                yield fact, _AFTER_THE_ANSWER


_SAME_SOURCE = Finding("same-source-as-a-machine", "The same source had just behaved as a machine with this mail.")


def contagion(scene: Scene) -> Findings:
    """After a machine's hit, the same source on that message."""
    if not scene.suspects:
        return
    for facts in scene.by_source.values():
        times = [fact.at for fact in facts if fact.key in scene.suspects]
        for fact in facts if times else ():
            if fact.key not in scene.suspects and has_between(times, fact.at - scene.thresholds.contagion, fact.at):
                yield fact, _SAME_SOURCE


_BESIDE = Finding("beside-a-machine", "A machine looked at the same mail at the same moment.")


def beside(scene: Scene) -> Findings:
    """A machine was at the same copy at the same moment, while mail is scanned."""
    if not scene.suspects:
        return
    for facts in scene.by_recipient.values():
        times = [fact.at for fact in facts if fact.key in scene.suspects]
        for fact in facts if times else ():
            if fact.key in scene.suspects or not scene.is_early(fact):
                continue
            if has_between(times, fact.at - scene.thresholds.beside, fact.at + scene.thresholds.beside):
                yield fact, _BESIDE


def honeypot(scene: Scene) -> Findings:
    """A link that no person sees; strong about the source that followed it, and about the same source around that time.

    Never the only reason: alone, without any other sign of a machine, it is only a doubt, and says nothing of the
    source's other hits. Another link around that time is such a sign, and so is anything within seconds.
    """
    span = scene.thresholds.honeypot
    text = "It followed a link that no person can see."
    for facts in (*scene.by_source.values(), *scene.by_shared_source.values()):
        trapped = {fact.key for fact in facts if _in_honeypot(fact, scene)}
        caught = {
            fact.key: fact.at
            for place, fact in enumerate(facts)
            if fact.key in trapped and (fact.key in scene.doubted or _is_accompanied(place, facts, scene))
        }
        times = list(caught.values())
        for fact in facts if trapped else ():
            if fact.key in trapped:
                yield fact, Finding("honeypot" if fact.key in caught else "honeypot-alone", text)
            elif has_between(times, fact.at - span, fact.at + span):
                nearby = "The same source followed a link that no person can see, at about that time."
                yield fact, Finding("honeypot-nearby", nearby)


def _is_accompanied(place: int, facts: Sequence[Fact], scene: Scene) -> bool:
    """Whether the source did something else within seconds, or followed another link at about that time.

    Its neighbors are looked at first: where they are further away, few facts are within minutes.
    """
    hidden, seconds, minutes = facts[place], scene.thresholds.beside, scene.thresholds.honeypot
    neighbors = facts[max(place - 1, 0) : place + 2]
    if any(fact is not hidden and abs(fact.at - hidden.at) <= seconds for fact in neighbors):
        return True
    around = between(facts, hidden.at - minutes, hidden.at + minutes)
    return any(fact.kind != "open" and target_of(fact) != target_of(hidden) for fact in around)


def _in_honeypot(fact: Fact, scene: Scene) -> bool:
    return fact.kind == "click" and fact.item in scene.sending.honeypots


def many_mails(scene: Scene) -> Findings:
    """One source asks for mails to different people within seconds: outbound scanning, at the sender's."""
    for fact in scene.facts:
        others = scene.sending.elsewhere.get(fact.key, 0)
        if others >= scene.thresholds.many_mails and not scene.is_shared(fact):
            text = f"The same source looked at {others} other mails to other people within seconds."
            yield fact, Finding("many-mails-at-once", text)


def several_copies(scene: Scene) -> Findings:
    """One source has the copies of several recipients within seconds, while mail is scanned."""
    span = scene.thresholds.burst
    text = "The same source looked at the copies of several recipients within seconds."
    for facts in scene.by_source.values():
        for earlier, later in pairwise(facts):
            if later.recipient != earlier.recipient and later.at - earlier.at <= span and scene.is_early(later):
                yield earlier, Finding("several-copies", text)
                yield later, Finding("several-copies", text)


def many_opens(scene: Scene) -> Findings:
    text = f"The mail was opened {scene.number_of_opens} times: more than people do."
    for fact in scene.opens:
        yield fact, Finding("many-opens", text)


RULES = (
    PatternRule(burst, "links-within-seconds"),
    PatternRule(scattered, "links-within-seconds"),
    PatternRule(coverage, "every-link"),
    PatternRule(whole_mail_in_order, "every-link"),
    PatternRule(lone_link, "a-click-on-one-of-links"),
    PatternRule(quoted, "answers"),
    PatternRule(contagion, "several-hits"),
    PatternRule(beside, "several-hits"),
    PatternRule(honeypot, "a-click-and-hidden-links"),
    PatternRule(many_mails, "elsewhere"),
    PatternRule(several_copies, "several-recipients"),
    PatternRule(many_opens, "many-opens"),
)

AT_PLACES = (PatternRule(twin, "a-link-twice"), PatternRule(pairs, "a-link-twice"))
"""Rules that ask where the recipient was at other mails. Visits are judged without an answer to that."""
