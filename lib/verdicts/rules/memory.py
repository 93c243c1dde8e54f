"""Memory rules: what the source of a hit, the recipient, the company and the sender did with other mails.

No source can move a verdict by more than these findings: each one is found once, however many mails speak for it. What
depends on the source alone is found once for all of its hits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.memory import MOST_DAYS, Visit
from lib.verdicts.message_facts import PatternRule, Scene
from lib.verdicts.past import OLD, SWEEP, Past, are_different, mails_with
from lib.verdicts.request import HitRequest
from lib.verdicts.thresholds import MINUTE

_CUT = (-2.5, 1.5)
"""Most that one mail says of a source, in log-odds: no single mail decides."""

_DELIVERED = 15 * MINUTE
"""Milliseconds after dispatch by which nearly all scans at delivery are over."""


def findings(scene: Scene) -> Iterator[tuple[Fact, Finding]]:
    """Find what the pasts of all sources say."""
    by_past: dict[tuple[int, bool], list[Finding]] = {}
    for fact in scene.facts:
        past = scene.pasts.get(fact.key)
        if past is None:
            continue
        request = scene.request(fact)
        is_open = request.kind == "open"
        asked = id(past), is_open
        if asked not in by_past:
            by_past[asked] = [each for rule in SOURCE_RULES for each in rule(past, request)]
        for finding in by_past[asked]:
            yield fact, finding
        passed = scene.since_dispatch(fact)
        if passed is None:
            continue
        if passed >= OLD and _is_sweep(fact, past):
            yield fact, _SWEPT
        if past.company.has_machines_then(passed, is_open):
            yield fact, _GATEWAY_ACTS


def known_places(past: Past, _: HitRequest) -> Iterator[Finding]:
    """Match where the recipient certainly was with another mail, and what asks for this recipient's mail alone."""
    sure = mails_with(past.of_person_here, "person")
    if sure and not past.machine_mails:
        code = "known-place" if len(sure) == 1 else "well-known-place"
        yield Finding(code, "The recipient certainly read other mail at this place.")
    elif past.is_this_persons_alone():
        again = len({each.message for each in past.of_person_here}) >= 3
        code = "this-recipient-again-and-again" if again else "this-recipient-alone"
        yield Finding(code, "Of all mail, only this recipient's was looked at from this place.")
    if any(_is_elsewhere_in_the_same_program(each, past) for each in past.of_sure_person):
        yield Finding("known-program", "The recipient certainly read other mail with this program.")


def known_services(past: Past, request: HitRequest) -> Iterator[Finding]:
    """Match a mail service through which the recipient's program has loaded earlier mail, long after its delivery.

    Scanners of the same service look at mail while it is delivered, so that earlier early opens tell nothing.
    """
    if not past.key.is_shared or request.kind != "open":
        return
    if any(_is_reading(each) and each.key.program == past.key.program for each in past.of_person_here):
        yield Finding("known-service", "The recipient has read other mail through the same mail service.")


def _is_reading(visit: Visit) -> bool:
    """Whether a person probably opened the mail, by that mail alone, when scans at delivery were over."""
    is_late = visit.since is not None and visit.since >= _DELIVERED
    return bool(visit.opens) and visit.odds > 0 and visit.sure != "machine" and (is_late or visit.sure == "person")


def _is_elsewhere_in_the_same_program(visit: Visit, past: Past) -> bool:
    here, there = past.key, visit.key
    return there.program == here.program and there.place != here.place


def offices(past: Past, _: HitRequest) -> Iterator[Finding]:
    """Match where colleagues of the recipient certainly were."""
    if past.key.is_shared or past.machine_mails:
        return
    people = _colleagues_here(past)
    if people:
        code = "known-office" if len(people) > 1 else "colleague-s-place"
        yield Finding(code, "Other people of the company certainly read their mail at this place.")


def _colleagues_here(past: Past) -> set[str]:
    return {each.key.person for each in past.here_at_company if each.sure == "person"} - {past.key.person}


def sources(past: Past, _: HitRequest) -> Iterator[Finding]:
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


def reach(past: Past, request: HitRequest) -> Iterator[Finding]:
    """Match how many companies and people the same source looked at.

    Mail programs are left out: scanners do not imitate them, and a carrier's phones come from a few networks.
    """
    if past.key.is_shared or not past.of_source or request.is_read_in_mail:
        return
    companies = past.companies(past.of_source)
    if companies >= 3:
        yield Finding("source-at-many-companies", f"The same source looked at mail of {companies} companies.")
    elif companies == 2:
        yield Finding("source-at-two-companies", "The same source looked at mail of two companies.")
    elif (people := past.people(past.of_source)) >= 3 and (past.machine_mails or len(_colleagues_here(past)) < 2):
        yield Finding("source-at-several-people", f"The same source looked at mail of {people} people.")


def relatives(past: Past, request: HitRequest) -> Iterator[Finding]:
    """Match agents under which machines look at mail from other places: of the company's, or in the same area."""
    if past.company.is_machines_agent(past.key.agent, past.key.place):
        yield Finding("agent-of-machines", "Machines have looked at the company's mail with the same agent.")
    if not past.elsewhere:
        return
    found = {each.sure for each in past.elsewhere}
    if "person" in found:
        return
    if "machine" in found and are_different((each.message for each in past.elsewhere if each.sure == "machine"), 2):
        text = "The same program was a machine at other mails, in other networks of the same owner."
        yield Finding("kin-of-machines", text)
    elif not request.is_read_in_mail and past.are_of_companies(past.elsewhere, 3):
        text = "The same program looked at mail of several companies, in other networks of the same owner."
        yield Finding("kin-at-many-companies", text)


_MAILS_A_PERSON = 1.6
"""Most mails of one person that a sender looks at, on average. Recipients come back to theirs."""


class _Looks(NamedTuple):
    """What an agent did at this sender's mails to other people, and at other senders'."""

    companies: int
    """Number of companies, but for the recipient's, at whose mail it has looked as a sender does; 0 where it comes back
    to people or follows links too often for that."""

    once: int
    """Number of people at whose mail it has looked once."""

    once_of_others: int
    """Number of people at whose mail of other senders it has looked once."""

    @property
    def are_the_senders(self) -> bool:
        """Whether looks are at this sender's mails alone."""
        return bool(self.companies) and not self.once_of_others


_NO_LOOKS = _Looks(0, 0, 0)
"""Without a look at this sender's mails it does not matter what else was looked at."""


def _looks_by(visits: Sequence[Visit], past: Past) -> _Looks:
    mine = _by_person([each for each in visits if each.sender == past.sender], past)
    looked = [some for some in mine.values() if all(map(_is_look, some))]
    if not looked:
        return _NO_LOOKS
    others = _by_person([each for each in visits if each.sender != past.sender], past)
    mails = len({(each.key.person, each.message) for some in looked for each in some})
    is_senders = mails <= _MAILS_A_PERSON * len(looked) and len(looked) >= 3 * (len(mine) - len(looked))
    companies = {some[0].key.company for some in looked} - {past.key.company} if is_senders else ()
    once = sum(map(_is_one_mail, looked))
    return _Looks(len(companies), once, sum(_is_one_mail(some) for some in others.values()))


def _by_person(visits: Iterable[Visit], past: Past) -> dict[str, list[Visit]]:
    """Group visits by the person whose mail it was, but for the recipient."""
    found: dict[str, list[Visit]] = defaultdict(list)
    for each in visits:
        if each.key.person != past.key.person:
            found[each.key.person].append(each)
    return found


def _is_one_mail(visits: Sequence[Visit]) -> bool:
    return len({each.message for each in visits}) == 1


_READERS = 3.0
"""Log-odds of one mail from which a look is a reader's. Program, place and hour say less: a link was followed after the
look, or the device came back to the mail."""


def _is_look(visit: Visit) -> bool:
    """Whether the sender may have looked: the mail was opened, and what came of it does not tell a reader."""
    return not visit.targets and visit.odds < _READERS and visit.sure not in ("person", "machine")


def _is_one_look(visits: Sequence[Visit]) -> bool:
    return _is_one_mail(visits) and all(map(_is_look, visits))


_DAYS_ALIKE = 2
"""Days with a session on a device of the look's kind from which the sender may have looked: a visit is a day's."""


def _place_of_work(past: Past, here: _Looks) -> str | None:
    """Return the code of what the sender's sessions at the place say of a look; None where they say nothing.

    Senders work at their customers' and in shared offices, too. So no one may have read there, or be there with another
    copy of the mail; and the place is that of several days, on a device of the look's kind (which the console and a
    mail program have in common) or of still more days, unless the source has looked at mail to another company.
    """
    worked = past.worked
    if worked is None or not past.is_alone or not all(map(_is_look, chain(past.here_at_company, past.of_source))):
        return None
    if here.are_the_senders:
        return "own-place"
    return "perhaps-own-place" if worked.days_alike >= _DAYS_ALIKE or worked.days >= MOST_DAYS else None


def own_devices(past: Past, request: HitRequest) -> Iterator[Finding]:
    """Match devices that open mails of this sender to people of other companies, once each, and follow no link; and
    places at which the sender works.

    Recipients come back to their mail, follow its links after every second or third look, be it in another program, and
    write to several senders. What is left is the sender's. Strangers behind one carrier look alike, above all where one
    sender writes all mail: so the same agent elsewhere in the area tells surely only where it has loaded mails that
    answers quote.
    """
    if past.key.is_shared or request.kind != "open" or not (past.kin or past.worked):
        return
    here = _looks_by(past.of_source, past)
    if past.of_person_here and not (here.companies >= 3 and _is_one_look(past.of_person_here)):
        return
    around = _looks_by(past.kin, past)
    if any(each.sure == "own" and each.sender == past.sender for each in past.kin):
        is_mostly = around.companies >= 3 and around.once >= 2 * around.once_of_others
        is_sure, is_possible = here.are_the_senders or around.are_the_senders or is_mostly, around.companies > 0
    else:
        is_sure = here.are_the_senders and here.companies >= 2
        is_possible = here.are_the_senders or around.are_the_senders
    if is_sure:
        yield Finding("own-device", "The same device looks at this sender's mails to other people: it is the sender's.")
    elif code := _place_of_work(past, here):
        yield Finding(code, "The sender works in the console at this place.")
    elif is_possible:
        text = "The same device looked at this sender's mail to someone else: it may be the sender's."
        yield Finding("perhaps-own-device", text)


def strangers(past: Past, request: HitRequest) -> Iterator[Finding]:
    """Match sources that were at no other mail, though the recipient's places or programs are known.

    People carry their devices to other places: a program in which the recipient certainly read elsewhere is no
    stranger.
    """
    if past.key.is_shared or past.of_source or past.here_at_company:
        return
    sure = past.of_sure_person
    if any(each.key.program == past.key.program for each in sure):
        return
    if len({each.message for each in sure}) >= 2:
        yield Finding("new-place", "The recipient reads elsewhere, as far as is known.")
    elif request.kind == "open" and _reads_with_other_programs(past):
        yield Finding("new-program", "The recipient reads elsewhere with another program, as far as is known.")


def _reads_with_other_programs(past: Past) -> bool:
    """Whether a person probably read at least two other mails, and none of them with this program."""
    read = [each for each in past.of_person if each.sure == "person" or _is_reading(each)]
    return len({each.message for each in read}) >= 2 and all(each.key.program != past.key.program for each in read)


_SWEPT = Finding("sweep", "The same source drew the old mails of several people within hours.")


def _is_sweep(fact: Fact, past: Past) -> bool:
    """Whether the source draws the old mails of several people within hours."""
    if past.key.is_shared:
        return False
    then = [each for each in past.of_source if abs(each.first - fact.at) <= SWEEP and (each.since or 0) >= OLD]
    return len({each.message for each in then}) >= 3 and past.people(then) >= 2


_GATEWAY_ACTS = Finding("gateway-acts-then", "Machines look at mail to this company at that time.")
"""Of what machines beyond doubt do with the company's mail at this stage after dispatch."""

SourceRule = Callable[[Past, HitRequest], Iterator[Finding]]

SOURCE_RULES: tuple[SourceRule, ...] = (
    known_places,
    known_services,
    offices,
    sources,
    reach,
    relatives,
    own_devices,
    strangers,
)
"""Rules that look at the past of a source, and at its request: of all of its opens, or of all else that it asked."""

RULES = (PatternRule(findings),)
