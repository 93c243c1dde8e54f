"""Memory rules: what the source of a hit, the recipient, the company and the sender did with other mails.

No source can move a verdict by more than these findings: each one is found once, however many mails speak for it. What
depends on the source alone is found once for all of its hits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.memory import Visit
from lib.verdicts.message_facts import PatternRule, Scene
from lib.verdicts.past import Past, mails_with
from lib.verdicts.thresholds import MINUTE

_CUT = (-2.5, 1.5)
"""Most that one mail says of a source, in log-odds: no single mail decides."""

_HOUR = 60 * MINUTE
_OLD = 24 * _HOUR
"""Age of a mail in milliseconds that a sweep draws."""

_SWEEP = 6 * _HOUR
"""Milliseconds within which a sweep draws several mails."""


def findings(scene: Scene) -> Iterator[tuple[Fact, Finding]]:
    """Find what the pasts of all sources say."""
    by_past: dict[tuple[int, bool], list[Finding]] = {}
    for fact in scene.facts:
        past = scene.pasts.get(fact.key)
        if past is None:
            continue
        is_open = fact.kind == "open"
        asked = id(past), is_open
        if asked not in by_past:
            by_past[asked] = [each for rule in SOURCE_RULES for each in rule(past, is_open)]
        for finding in by_past[asked]:
            yield fact, finding
        passed = scene.since_dispatch(fact)
        if passed is None:
            continue
        if passed >= _OLD and _is_sweep(fact, past):
            yield fact, _SWEPT
        if past.company.has_machines_then(passed, is_open):
            yield fact, _GATEWAY_ACTS


def known_places(past: Past, _: bool) -> Iterator[Finding]:
    """Match where the recipient certainly was with another mail, and what asks for this recipient's mail alone."""
    sure = mails_with(past.of_person_here, "person")
    if sure and not past.machine_mails:
        code = "known-place" if len(sure) == 1 else "well-known-place"
        yield Finding(code, "The recipient certainly read other mail at this place.")
    elif _is_this_persons_alone(past):
        again = len({each.message for each in past.of_person_here}) >= 3
        code = "this-recipient-again-and-again" if again else "this-recipient-alone"
        yield Finding(code, "Of all mail, only this recipient's was looked at from this place.")
    if any(_is_elsewhere_in_the_same_program(each, past) for each in past.of_person):
        yield Finding("known-program", "The recipient certainly read other mail with this program.")


def _is_this_persons_alone(past: Past) -> bool:
    if past.key.is_shared or not past.of_person_here:
        return False
    here = (*past.of_source, *past.here_at_company)
    return not any(each.sure or each.key.person != past.key.person for each in here)


def _is_elsewhere_in_the_same_program(visit: Visit, past: Past) -> bool:
    here, there = past.key, visit.key
    return visit.sure == "person" and there.place != here.place and there.program == here.program


def offices(past: Past, _: bool) -> Iterator[Finding]:
    """Match where colleagues of the recipient certainly were."""
    if past.key.is_shared or past.machine_mails:
        return
    people = {each.key.person for each in past.here_at_company if each.sure == "person"} - {past.key.person}
    if people:
        code = "known-office" if len(people) > 1 else "colleague-s-place"
        yield Finding(code, "Other people of the company certainly read their mail at this place.")


def sources(past: Past, _: bool) -> Iterator[Finding]:
    """Match what the same source did with other mails."""
    if past.key.is_shared or not past.of_source:
        return
    machine, person = past.machine_mails, past.person_mails
    if len(machine) >= 2 and not person:
        yield Finding("source-of-machines", f"The same source was a machine at {len(machine)} other mails.")
        return
    # Tenths, of which floating-point sums depend on the order.
    odds = round(sum(min(max(each.odds, _CUT[0]), _CUT[1]) for each in past.of_source), 1)
    if odds <= -5:
        yield Finding("source-like-a-machine", "The same source behaved like a machine at other mails.")
    elif len(person) >= 2 and not machine:
        yield Finding("source-of-people", "The same source was a person's at other mails.")
    elif odds >= 4:
        yield Finding("source-like-people", "The same source behaved like people at other mails.")


def reach(past: Past, _: bool) -> Iterator[Finding]:
    """Match how many companies and people the same source looked at."""
    if past.key.is_shared or not past.of_source:
        return
    companies = past.companies(past.of_source)
    if companies >= 3:
        yield Finding("source-at-many-companies", f"The same source looked at mail of {companies} companies.")
    elif companies == 2:
        yield Finding("source-at-two-companies", "The same source looked at mail of two companies.")
    elif (people := past.people(past.of_source)) >= 3:
        yield Finding("source-at-several-people", f"The same source looked at mail of {people} people.")


def relatives(past: Past, _: bool) -> Iterator[Finding]:
    """Match agents under which machines look at mail from other places: of the company's, or in the same area."""
    if past.company.is_machines_agent(past.key.agent, past.key.place):
        yield Finding("agent-of-machines", "Machines have looked at the company's mail with the same agent.")
    if not past.elsewhere or mails_with(past.elsewhere, "person"):
        return
    if len(mails_with(past.elsewhere, "machine")) >= 2:
        text = "The same program was a machine at other mails, in other networks of the same owner."
        yield Finding("kin-of-machines", text)
    elif past.companies(past.elsewhere) >= 3:
        text = "The same program looked at mail of several companies, in other networks of the same owner."
        yield Finding("kin-at-many-companies", text)


def own_devices(past: Past, is_open: bool) -> Iterator[Finding]:
    """Match devices that look at mails to people of several companies, all from this sender, and follow no link."""
    if past.key.is_shared or not is_open or past.of_person_here:
        return
    for visits in (past.of_source, past.kin):
        if visits and all(_is_look(each, past.sender) for each in visits):
            companies = past.companies(visits)
            if companies >= 3 or mails_with(visits, "own"):
                text = "The same device looks at this sender's mails to other people: it is the sender's."
                yield Finding("own-device", text)
            elif companies == 2:
                text = "The same device looked at this sender's mail to someone else: it may be the sender's."
                yield Finding("perhaps-own-device", text)
            return


def _is_look(visit: Visit, sender: str) -> bool:
    """Whether the sender may have looked: at the sender's mail, without following a link."""
    return visit.sender == sender and not visit.targets and visit.sure not in ("person", "machine")


def strangers(past: Past, _: bool) -> Iterator[Finding]:
    """Match sources that were at no other mail, though the recipient's places are known."""
    if past.key.is_shared or past.of_source or past.here_at_company:
        return
    if len(mails_with(past.of_person, "person")) >= 2:
        yield Finding("new-place", "The recipient reads elsewhere, as far as is known.")


_SWEPT = Finding("sweep", "The same source drew the old mails of several people within hours.")


def _is_sweep(fact: Fact, past: Past) -> bool:
    """Whether the source draws the old mails of several people within hours."""
    if past.key.is_shared:
        return False
    then = [each for each in past.of_source if abs(each.first - fact.at) <= _SWEEP and (each.since or 0) >= _OLD]
    return len({each.message for each in then}) >= 3 and past.people(then) >= 2


_GATEWAY_ACTS = Finding("gateway-acts-then", "Machines look at mail to this company at that time.")
"""Of what machines beyond doubt do with the company's mail at this stage after dispatch."""

SourceRule = Callable[[Past, bool], Iterator[Finding]]

SOURCE_RULES: tuple[SourceRule, ...] = (known_places, offices, sources, reach, relatives, own_devices, strangers)
"""Rules that look at the past of a source, and at whether it has opened the mail or followed a link."""

RULES = (PatternRule(findings),)
