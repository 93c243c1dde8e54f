"""Memory rules: what the source of a hit, the recipient and the recipient's gateway did with other mails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.memory import Memory, SourceKey, Visit
from lib.verdicts.message_facts import Scene
from lib.verdicts.thresholds import MINUTE

Findings = Iterator[tuple[Fact, Finding]]

_CUT = (-2.5, 1.5)
"""Most that one mail says of a source elsewhere, in log-odds: no single mail decides."""

_OLD = 24 * 60 * MINUTE
_HOURS = 6 * 60 * MINUTE

_STAGES = (MINUTE, 15 * MINUTE, 60 * MINUTE, 12 * 60 * MINUTE)
"""Milliseconds after dispatch at which another stage begins, in each of which gateways have habits of their own."""


@dataclass(frozen=True)
class Past:
    """Past of one source, for one recipient: visits at other mails."""

    key: SourceKey
    here: Sequence[Visit]
    """At the place, by any agent and at anyone's mail."""

    company: Sequence[Visit]
    """By anyone at mails to the recipient's company."""

    @cached_property
    def of_source(self) -> Sequence[Visit]:
        """By the same source; of a shared place, with the same person's mail."""
        if self.key.is_shared:
            return [each for each in self.of_person if each.key.place == self.key.place]
        return [each for each in self.here if each.key.agent == self.key.agent]

    @cached_property
    def of_person(self) -> Sequence[Visit]:
        """With the same person's mail, by any source."""
        return [each for each in self.company if self.key.person and each.key.person == self.key.person]

    @cached_property
    def of_person_here(self) -> Sequence[Visit]:
        """With the same person's mail, at the same place."""
        return [each for each in self.of_person if each.key.place == self.key.place]

    @cached_property
    def odds(self) -> float:
        """Sum of what each mail said of the source."""
        low, high = _CUT
        return sum(min(max(each.odds, low), high) for each in self.of_source)

    def count(self, sure: str) -> int:
        """Number of mails at which the source was surely a person or a machine."""
        return len({each.message for each in self.of_source if each.sure == sure})

    @cached_property
    def companies(self) -> int:
        return len({each.key.company for each in self.of_source} | {self.key.company})

    @cached_property
    def people(self) -> int:
        return len({each.key.person for each in self.of_source} | {self.key.person})


def pasts(scene: Scene) -> Mapping[str, Past]:
    """Pasts of the sources of all hits, by fact key."""
    memory: Memory = scene.sending.memory
    made: dict[SourceKey, Past] = {}
    found = {}
    for fact in scene.facts:
        key = memory.keys.get(fact.key)
        if key is None:
            continue
        if key not in made:
            here = () if key.is_shared else memory.at_place.get(key.place, ())
            made[key] = Past(key, here, memory.at_company.get(key.company, ()))
        found[fact.key] = made[key]
    return found


def known_places(scene: Scene) -> Findings:
    """Match where the recipient certainly was with another mail, or what asks for this recipient's mail alone."""
    for fact, past in _with_past(scene):
        sure = {each.message for each in past.of_person_here if each.sure == "person"}
        if sure and not past.count("machine"):
            code = "known-place" if len(sure) == 1 else "well-known-place"
            yield fact, Finding(code, "The recipient certainly read other mail at this place.")
        elif _is_this_persons_alone(past):
            count = len({each.message for each in past.here})
            code = "this-recipient-alone" if count < 3 else "this-recipient-again-and-again"
            yield fact, Finding(code, "From this place only mails to this recipient were looked at.")
        if any(_is_elsewhere_in_the_same_program(each, past) for each in past.of_person):
            yield fact, Finding("known-program", "The recipient certainly read other mail with this program.")


def _is_this_persons_alone(past: Past) -> bool:
    if past.key.is_shared or not past.of_person_here or any(each.sure for each in past.here):
        return False
    return all(each.key.person == past.key.person for each in past.here)


def _is_elsewhere_in_the_same_program(visit: Visit, past: Past) -> bool:
    here, there = past.key, visit.key
    return visit.sure == "person" and there.place != here.place and there.program == here.program


def offices(scene: Scene) -> Findings:
    """Match where colleagues of the recipient certainly were."""
    for fact, past in _with_past(scene):
        colleagues = {
            each.key.person
            for each in past.here
            if each.sure == "person" and each.key.person != past.key.person and each.key.company == past.key.company
        }
        if colleagues and not past.count("machine"):
            code = "known-office" if len(colleagues) > 1 else "colleague-s-place"
            yield fact, Finding(code, "Other people of the company certainly read their mail at this place.")


def agents(scene: Scene) -> Findings:
    """Match agents under which machines look at mail to this company from other places."""
    for fact, past in _with_past(scene):
        same = [each for each in past.company if each.key.agent == past.key.agent and each.key.place != past.key.place]
        machines = {each.message for each in same if each.sure == "machine"}
        if len(machines) >= 2 and not any(each.sure == "person" for each in same):
            yield fact, Finding("agent-of-machines", "Machines have looked at the company's mail with the same agent.")


def sources(scene: Scene) -> Findings:
    """What the same source did elsewhere."""
    for fact, past in _with_past(scene):
        if past.key.is_shared:
            continue
        machine, person = past.count("machine"), past.count("person")
        if machine >= 2 and not person:
            yield fact, Finding("source-of-machines", f"The same source was a machine at {machine} other mails.")
        elif past.odds <= -5:
            yield fact, Finding("source-like-a-machine", "The same source behaved like a machine at other mails.")
        elif person >= 2 and not machine:
            yield fact, Finding("source-of-people", "The same source was a person's at other mails.")
        elif past.odds >= 4:
            yield fact, Finding("source-like-people", "The same source behaved like people at other mails.")
        if past.companies >= 3:
            yield (
                fact,
                Finding("source-at-many-companies", f"The same source looked at mail of {past.companies} companies."),
            )
        elif past.companies == 2:
            yield fact, Finding("source-at-two-companies", "The same source looked at mail of two companies.")
        elif past.people >= 3:
            yield fact, Finding("source-at-several-people", f"The same source looked at mail of {past.people} people.")


def sweeps(scene: Scene) -> Findings:
    """One source draws the old mails of several people within hours."""
    for fact, past in _with_past(scene):
        passed = scene.since_dispatch(fact)
        if past.key.is_shared or passed is None or passed < _OLD:
            continue
        then = [
            v for v in past.of_source if abs(v.first - fact.at) <= _HOURS and v.since is not None and v.since >= _OLD
        ]
        if (
            len({each.message for each in then}) >= 3
            and len({each.key.person for each in then} | {past.key.person}) >= 2
        ):
            yield fact, Finding("sweep", "The same source drew the old mails of several people within hours.")


def own_devices(scene: Scene) -> Findings:
    """One device opens mails to people of several companies, all from this sender."""
    sender = scene.sending.memory.sender
    for fact, past in _with_past(scene):
        if past.key.is_shared or not sender:
            continue
        if past.companies >= 3 and past.count("person") == 0 and all(v.sender == sender for v in past.of_source):
            if fact.kind == "open" and sum(each.targets for each in past.of_source) == 0:
                yield (
                    fact,
                    Finding(
                        "own-device", "The same device looks at this sender's mails to many people: it is the sender's."
                    ),
                )


def strangers(scene: Scene) -> Findings:
    """A source that was never seen, though the recipient has places."""
    for fact, past in _with_past(scene):
        if past.key.is_shared or past.here:
            continue
        places = defaultdict(set)
        for each in past.of_person:
            if each.sure == "person":
                places[each.key.place].add(each.message)
        if len(set().union(*places.values())) >= 2:
            yield fact, Finding("new-place", "The recipient reads elsewhere, as far as is known.")


def gateways(scene: Scene) -> Findings:
    """What machines do with the company's mail at this stage after dispatch."""
    for fact, past in _with_past(scene):
        passed = scene.since_dispatch(fact)
        if passed is None:
            continue
        stage = _stage(passed)
        side = fact.kind == "open"
        then = [
            each
            for each in past.company
            if each.since is not None
            and _stage(each.since) == stage
            and (bool(each.opens) if side else bool(each.targets))
        ]
        machines = {each.message for each in then if each.sure == "machine"}
        people = {each.message for each in then if each.sure == "person"}
        if len(machines) >= 3 and len(machines) >= 2 * len(people):
            yield fact, Finding("gateway-acts-then", "Machines look at mail to this company at that time.")
        elif len({each.message for each in past.company}) >= 5 and not machines:
            yield fact, Finding("gateway-rests-then", "No machine has looked at mail to this company at that time.")


def _stage(since: int) -> int:
    return sum(since >= begin for begin in _STAGES)


def _with_past(scene: Scene) -> Iterator[tuple[Fact, Past]]:
    for fact in scene.facts:
        past = scene.pasts.get(fact.key)
        if past is not None:
            yield fact, past


RULES = (known_places, offices, agents, sources, sweeps, own_devices, strangers, gateways)
