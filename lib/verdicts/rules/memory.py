"""Memory rules: what the source of a hit, the recipient, the company and the sender did with other mails.

No source can move a verdict by more than these findings: each one is found once, however many mails speak for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.memory import SourceKey, Sure, Visit
from lib.verdicts.message_facts import Scene
from lib.verdicts.thresholds import MINUTE

Findings = Iterator[tuple[Fact, Finding]]

_CUT = (-2.5, 1.5)
"""Most that one mail says of a source, in log-odds: no single mail decides."""

_HOUR = 60 * MINUTE
_OLD = 24 * _HOUR
"""Age of a mail in milliseconds that a sweep draws."""

_SWEEP = 6 * _HOUR
"""Milliseconds within which a sweep draws several mails."""

_STAGES = (MINUTE, 15 * MINUTE, _HOUR, 12 * _HOUR)
"""Milliseconds after dispatch at which another stage begins. Gateways have habits of their own in each."""


@dataclass(frozen=True)
class Past:
    """Past of one source, for one recipient: visits at other mails."""

    key: SourceKey

    kin: Sequence[Visit]
    """By the same agent in the same area, at anyone's mail."""

    company: Sequence[Visit]
    """By anyone at mails to the recipient's company."""

    @cached_property
    def of_source(self) -> Sequence[Visit]:
        """By the same source; of a shared place, with the same person's mail."""
        if self.key.is_shared:
            return self.of_person_here
        return [each for each in self.kin if each.key.place == self.key.place]

    @cached_property
    def elsewhere(self) -> Sequence[Visit]:
        """By the same agent at other places of the area."""
        return [each for each in self.kin if each.key.place != self.key.place]

    @cached_property
    def of_person(self) -> Sequence[Visit]:
        """With the same person's mail, by any source."""
        return [each for each in self.company if each.key.person == self.key.person]

    @cached_property
    def of_person_here(self) -> Sequence[Visit]:
        """With the same person's mail, at the same place."""
        return [each for each in self.of_person if each.key.place == self.key.place]

    @cached_property
    def of_company_here(self) -> Sequence[Visit]:
        """With the company's mail, at the same place."""
        return [each for each in self.company if each.key.place == self.key.place]


def pasts(scene: Scene) -> dict[str, Past]:
    """Pasts of the sources of all hits, by fact key."""
    memory = scene.sending.memory
    made: dict[SourceKey, Past] = {}
    found = {}
    for fact in scene.facts:
        key = memory.keys.get(fact.key)
        if key is not None:
            if key not in made:
                kin = () if key.is_shared else memory.kin.get((key.area, key.agent), ())
                made[key] = Past(key, kin, memory.at_company.get(key.company, ()))
            found[fact.key] = made[key]
    return found


def known_places(scene: Scene) -> Findings:
    """Match where the recipient certainly was with another mail, and what asks for this recipient's mail alone."""
    for fact, past in _with_past(scene):
        sure = _mails(past.of_person_here, "person")
        if sure and not _mails(past.of_source, "machine"):
            code = "known-place" if len(sure) == 1 else "well-known-place"
            yield fact, Finding(code, "The recipient certainly read other mail at this place.")
        elif _is_this_persons_alone(past):
            again = len({each.message for each in past.of_person_here}) >= 3
            code = "this-recipient-again-and-again" if again else "this-recipient-alone"
            yield fact, Finding(code, "Of all mail, only this recipient's was looked at from this place.")
        if any(_is_elsewhere_in_the_same_program(each, past) for each in past.of_person):
            yield fact, Finding("known-program", "The recipient certainly read other mail with this program.")


def _is_this_persons_alone(past: Past) -> bool:
    if past.key.is_shared or not past.of_person_here:
        return False
    here = (*past.of_source, *past.of_company_here)
    return not any(each.sure for each in here) and all(each.key.person == past.key.person for each in here)


def _is_elsewhere_in_the_same_program(visit: Visit, past: Past) -> bool:
    here, there = past.key, visit.key
    return visit.sure == "person" and there.place != here.place and there.program == here.program


def offices(scene: Scene) -> Findings:
    """Match where colleagues of the recipient certainly were."""
    for fact, past in _with_past(scene):
        people = {each.key.person for each in past.of_company_here if each.sure == "person"} - {past.key.person}
        if people and not past.key.is_shared and not _mails(past.of_source, "machine"):
            code = "known-office" if len(people) > 1 else "colleague-s-place"
            yield fact, Finding(code, "Other people of the company certainly read their mail at this place.")


def sources(scene: Scene) -> Findings:
    """Match what the same source did with other mails."""
    for fact, past in _with_past(scene):
        if past.key.is_shared:
            continue
        machine, person = _mails(past.of_source, "machine"), _mails(past.of_source, "person")
        odds = sum(min(max(each.odds, _CUT[0]), _CUT[1]) for each in past.of_source)
        if len(machine) >= 2 and not person:
            yield fact, Finding("source-of-machines", f"The same source was a machine at {len(machine)} other mails.")
        elif odds <= -5:
            yield fact, Finding("source-like-a-machine", "The same source behaved like a machine at other mails.")
        elif len(person) >= 2 and not machine:
            yield fact, Finding("source-of-people", "The same source was a person's at other mails.")
        elif odds >= 4:
            yield fact, Finding("source-like-people", "The same source behaved like people at other mails.")


def reach(scene: Scene) -> Findings:
    """Match how many companies and people the same source looked at."""
    for fact, past in _with_past(scene):
        if past.key.is_shared:
            continue
        companies, people = _companies(past.of_source, past), _people(past.of_source, past)
        if companies >= 3:
            text = f"The same source looked at mail of {companies} companies."
            yield fact, Finding("source-at-many-companies", text)
        elif companies == 2:
            yield fact, Finding("source-at-two-companies", "The same source looked at mail of two companies.")
        elif people >= 3:
            yield fact, Finding("source-at-several-people", f"The same source looked at mail of {people} people.")


def relatives(scene: Scene) -> Findings:
    """Match agents under which machines look at mail from other places: of the company's, or in the same area."""
    for fact, past in _with_past(scene):
        here, agent = past.key.place, past.key.agent
        same = [each for each in past.company if each.key.agent == agent and each.key.place != here]
        if len(_mails(same, "machine")) >= 2 and not _mails(same, "person"):
            yield fact, Finding("agent-of-machines", "Machines have looked at the company's mail with the same agent.")
        machines = _mails(past.elsewhere, "machine")
        if len(machines) >= 2 and not _mails(past.elsewhere, "person"):
            text = "The same program was a machine at other mails, in other networks of the same owner."
            yield fact, Finding("kin-of-machines", text)
        elif _companies(past.elsewhere, past) >= 3 and not _mails(past.elsewhere, "person"):
            text = "The same program looked at mail of several companies, in other networks of the same owner."
            yield fact, Finding("kin-at-many-companies", text)


def own_devices(scene: Scene) -> Findings:
    """Match devices that look at mails to people of several companies, all from this sender, and follow no link."""
    sender = scene.sending.memory.sender
    for fact, past in _with_past(scene):
        if past.key.is_shared or fact.kind != "open" or past.of_person_here:
            continue
        for visits in (past.of_source, past.kin):
            if not visits or not all(_is_look(each, sender) for each in visits):
                continue
            companies = _companies(visits, past)
            if companies >= 3 or _mails(visits, "own"):
                text = "The same device looks at this sender's mails to other people: it is the sender's."
                yield fact, Finding("own-device", text)
            elif companies == 2:
                text = "The same device looked at this sender's mail to someone else: it may be the sender's."
                yield fact, Finding("perhaps-own-device", text)
            break


def _is_look(visit: Visit, sender: str) -> bool:
    """Whether the sender may have looked: at the sender's mail, without following a link."""
    return visit.sender == sender and not visit.targets and visit.sure not in ("person", "machine")


def sweeps(scene: Scene) -> Findings:
    """Match a source that draws the old mails of several people within hours."""
    for fact, past in _with_past(scene):
        passed = scene.since_dispatch(fact)
        if past.key.is_shared or passed is None or passed < _OLD:
            continue
        then = [each for each in past.of_source if abs(each.first - fact.at) <= _SWEEP and (each.since or 0) >= _OLD]
        if len({each.message for each in then}) >= 3 and _people(then, past) >= 2:
            yield fact, Finding("sweep", "The same source drew the old mails of several people within hours.")


def strangers(scene: Scene) -> Findings:
    """Match sources that were at no other mail, though the recipient's places are known."""
    for fact, past in _with_past(scene):
        if past.key.is_shared or past.of_source or past.of_company_here:
            continue
        if len(_mails(past.of_person, "person")) >= 2:
            yield fact, Finding("new-place", "The recipient reads elsewhere, as far as is known.")


def gateways(scene: Scene) -> Findings:
    """Match what machines beyond doubt do with the company's mail at this stage after dispatch."""
    for fact, past in _with_past(scene):
        passed = scene.since_dispatch(fact)
        if passed is None:
            continue
        stage, is_open = _stage(passed), fact.kind == "open"
        then = [
            each
            for each in past.company
            if each.since is not None and _stage(each.since) == stage and (each.opens if is_open else each.targets)
        ]
        machines = _mails(then, "machine")
        if len(machines) >= 3 and len(machines) >= 2 * len(_mails(then, "person")):
            yield fact, Finding("gateway-acts-then", "Machines look at mail to this company at that time.")


def _stage(since: int) -> int:
    return sum(since >= begin for begin in _STAGES)


def _mails(visits: Iterable[Visit], sure: Sure) -> set[str]:
    """Messages at which it was surely this."""
    return {each.message for each in visits if each.sure == sure}


def _companies(visits: Iterable[Visit], past: Past) -> int:
    """Number of companies at whose mail these visits were, with the recipient's."""
    return len({past.key.company, *(each.key.company for each in visits)})


def _people(visits: Iterable[Visit], past: Past) -> int:
    return len({past.key.person, *(each.key.person for each in visits)})


def _with_past(scene: Scene) -> Iterator[tuple[Fact, Past]]:
    pasts_of: Mapping[str, Past] = scene.pasts
    for fact in scene.facts:
        past = pasts_of.get(fact.key)
        if past is not None:
            yield fact, past


RULES = (known_places, offices, sources, reach, relatives, own_devices, sweeps, strangers, gateways)
