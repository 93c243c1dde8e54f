"""Pasts: what the source of a hit, and others at the same company, did with other mails, arranged for the rules.

A company can have hundreds of visits: each group of them is picked once for a message, and only when a rule asks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import chain
from math import inf

from lib.verdicts.lazy import lazy
from lib.verdicts.memory import Memory, SourceKey, Sure, Visit, Worked, is_settled
from lib.verdicts.thresholds import MINUTE

_STAGES = (-inf, MINUTE, 15 * MINUTE, 60 * MINUTE, 12 * 60 * MINUTE, inf)
"""Milliseconds after dispatch at which another stage begins. Gateways have habits of their own in each."""


OLD = 24 * 60 * MINUTE
"""Age of a mail in milliseconds that a sweep draws."""

SWEEP = 6 * 60 * MINUTE
"""Milliseconds within which a sweep draws several mails."""

_LEAST_ACTS = 3
"""Mails at which machines must have acted at a stage, to be a habit."""


class CompanyPast:
    """Visits by anyone at other mails to one company."""

    __slots__ = ("_acting", "_by_agent", "_by_person", "_by_place", "_sure_by_person", "machines", "people", "visits")

    def __init__(self, visits: Sequence[Visit]) -> None:
        self.visits = visits
        self.machines = [each for each in visits if each.sure == "machine"]
        self.people = [each for each in visits if each.sure == "person"]
        self._by_place: dict[str, Sequence[Visit]] = {}
        self._by_person: dict[str, Sequence[Visit]] = {}
        self._sure_by_person: dict[str, Sequence[Visit]] = {}
        self._by_agent: dict[tuple[str, str], bool] = {}
        self._acting: dict[tuple[int, bool], bool] = {}

    def of_person(self, person: str) -> Sequence[Visit]:
        """With this person's mail."""
        if person not in self._by_person:
            self._by_person[person] = [each for each in self.visits if each.key.person == person]
        return self._by_person[person]

    def at_place(self, place: str) -> Sequence[Visit]:
        """At this place."""
        if place not in self._by_place:
            self._by_place[place] = [each for each in self.visits if each.key.place == place]
        return self._by_place[place]

    def is_machines_agent(self, agent: str, place: str) -> bool:
        """Whether machines beyond doubt, and no person, have used the agent elsewhere than at the place."""
        if len(self.machines) < 2:
            return False
        asked = agent, place
        if asked not in self._by_agent:
            used, by_people = (
                (each.message for each in some if each.key.agent == agent and each.key.place != place)
                for some in (self.machines, self.people)
            )
            self._by_agent[asked] = not any(by_people) and are_different(used, 2)
        return self._by_agent[asked]

    def of_sure_person(self, person: str) -> Sequence[Visit]:
        """With this person's mail, and surely by a person."""
        if person not in self._sure_by_person:
            self._sure_by_person[person] = [each for each in self.people if each.key.person == person]
        return self._sure_by_person[person]

    def has_machines_then(self, passed: int, is_open: bool) -> bool:
        """Whether machines beyond doubt, more than people, act at this stage (milliseconds after dispatch)."""
        if len(self.machines) < _LEAST_ACTS:
            return False
        stage = bisect_right(_STAGES, passed)
        if (stage, is_open) not in self._acting:
            self._acting[stage, is_open] = self._acts(_STAGES[stage - 1], _STAGES[stage], is_open)
        return self._acting[stage, is_open]

    def _acts(self, begin: float, end: float, is_open: bool) -> bool:
        machines, people = (
            (
                each.message
                for each in some
                if each.since is not None and begin <= each.since < end and (each.opens if is_open else each.targets)
            )
            for some in (self.machines, self.people)
        )
        return are_different(machines, max(_LEAST_ACTS, 2 * len(set(people))))


def are_different(items: Iterable[str], least: int) -> bool:
    """Whether so many of the items are different ones; no more of them are looked at than needed."""
    seen: set[str] = set()
    for item in items:
        seen.add(item)
        if len(seen) >= least:
            return True
    return False


_NO_MAILS: frozenset[str] = frozenset()


class Past:
    """Past of one source, for one recipient: visits at other mails."""

    def __init__(
        self,
        key: SourceKey,
        kin: Sequence[Visit],
        company: CompanyPast,
        sender: str,
        worked: Worked | None = None,
        *,
        is_alone: bool = True,
    ) -> None:
        place = key.place
        self.key = key
        self.sender = sender
        """Hash of the sender's id."""
        self.worked = worked
        """Sessions of the sender at the place; None where there was none."""
        self.is_alone = is_alone
        """Whether no other recipient's copy of the same mail was asked for from the place."""
        self.kin = kin
        """By the same agent in the same area, at anyone's mail."""
        self.company = company
        """By anyone at mails to the recipient's company."""
        self.here_at_company = company.at_place(place)
        """With the company's mail, at the same place."""
        self.of_person_here = [each for each in self.here_at_company if each.key.person == key.person]
        """With the same person's mail, at the same place."""
        self.of_sure_person = company.of_sure_person(key.person)
        """With the same person's mail, by any source that was surely a person."""
        here = self.of_person_here if key.is_shared else [each for each in kin if each.key.place == place]
        self.of_source = here
        """By the same source; of a shared place, with the same person's mail."""
        self.elsewhere = [each for each in kin if each.key.place != place] if kin else kin
        """By the same agent at other places of the area."""
        self.machine_mails = mails_with(here, "machine") if here else _NO_MAILS
        """Messages at which the same source was surely a machine."""
        self.person_mails = mails_with(here, "person") if here else _NO_MAILS
        """Messages at which the same source was surely a person's."""

    @property
    def of_person(self) -> Sequence[Visit]:
        """With the same person's mail, by any source."""
        return self.company.of_person(self.key.person)

    @lazy
    def is_sure_persons_place(self) -> bool:
        """Whether the same person certainly read other mail at this place."""
        return any(each.sure == "person" for each in self.of_person_here)

    @lazy
    def is_this_persons_alone(self) -> bool:
        """Whether only this person's mail was looked at from here, and not as one who searches a mailbox does."""
        mine = self.of_person_here
        if self.key.is_shared or not mine or any(each.sure for each in self.of_source):
            return False
        if any(each.key.person != self.key.person for each in (*self.of_source, *self.here_at_company)):
            return False
        # A machine there under another agent may be the reader's own protection, which checks links now and then.
        is_mostly_a_machines = 3 * len(mails_with(mine, "machine")) > len({each.message for each in mine})
        return not is_mostly_a_machines and not _is_drawn_at_once(mine)

    def companies(self, visits: Iterable[Visit]) -> int:
        """Return the number of companies at whose mail these visits were, with the recipient's."""
        return len({self.key.company, *[each.key.company for each in visits]})

    def are_of_companies(self, visits: Iterable[Visit], least: int) -> bool:
        """Whether these visits were at mail of so many companies, with the recipient's."""
        return are_different(chain((self.key.company,), (each.key.company for each in visits)), least)

    def people(self, visits: Iterable[Visit]) -> int:
        """Return the number of people at whose mail these visits were, with the recipient."""
        return len({self.key.person, *[each.key.person for each in visits]})


def _is_drawn_at_once(visits: Sequence[Visit]) -> bool:
    """Whether all of these mails were old, and looked at within hours: as one who searches a mailbox does."""
    times = [each.first for each in visits]
    return max(times) - min(times) <= SWEEP and all((each.since or 0) >= OLD for each in visits)


def mails_with(visits: Iterable[Visit], sure: Sure) -> Set[str]:
    """Messages at which it was surely this."""
    return {each.message for each in visits if each.sure == sure}


def _people_by_place(memory: Memory, keys: Iterable[str]) -> Mapping[str, Set[str]]:
    """Find whose copies were asked for from each place, where sessions of the sender may say something."""
    found: dict[str, set[str]] = defaultdict(set)
    for fact in keys if memory.worked else ():
        if key := memory.keys.get(fact):
            found[key.place].add(key.person)
    return found


def pasts_of(memory: Memory, keys: Sequence[str]) -> dict[str, Past]:
    """Pasts of the sources of hits, by fact key; one for each source."""
    companies: dict[tuple[str, str], CompanyPast] = {}
    made: dict[SourceKey, Past] = {}
    found = {}
    people = _people_by_place(memory, keys)
    for fact in keys:
        key = memory.keys.get(fact)
        if key is None:
            continue
        if key not in made:
            company = _company_past(memory, key, companies)
            # Others' visits at a place that is certainly the recipient's may be there for another recipient's sake.
            kin = () if is_settled(key, company.people) else memory.kin.get((key.area, key.agent), ())
            worked = memory.worked.get((key.place, key.agent))
            is_alone = worked is None or len(people[key.place]) == 1
            made[key] = Past(key, kin, company, memory.sender, worked, is_alone=is_alone)
        found[fact] = made[key]
    return found


def _company_past(memory: Memory, key: SourceKey, made: dict[tuple[str, str], CompanyPast]) -> CompanyPast:
    """Past of the recipient's company; of the recipient alone where the company is none."""
    is_none = key.company in memory.anybodys
    asked = key.company, key.person if is_none else ""
    if asked not in made:
        visits = memory.at_company.get(key.company, ())
        made[asked] = CompanyPast([each for each in visits if each.key.person == key.person] if is_none else visits)
    return made[asked]
