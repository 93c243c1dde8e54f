"""Rules about other mails: what is found of a source's past, and what is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import pytest

from lib.tracking.facts import Fact
from lib.verdicts import Sending, judge
from lib.verdicts.memory import Memory, SourceKey, Sure, Visit, Worked
from tests.lib.verdicts.test_rules import CATALOGUES, HOUR, MINUTE, SENT, click, fact
from tests.support.heed import GMAIL

DAY = 24 * HOUR
HERE = SourceKey("aaaa", "area", "chrome", "prog", "acme", "ada")
ELSEWHERE = HERE._replace(place="bbbb")
SENDER = "rita"
OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.19231; Pro)"


def visit(message: str = "m1", key: SourceKey = HERE, sure: Sure = "", odds: float = 0.0, **fields: Any) -> Visit:
    """A visit at another mail, two days before this one went out."""
    shape = Visit(key, message, SENDER, SENT - 2 * DAY, 2 * HOUR, 1, 0, 4, odds, sure)
    return shape._replace(**fields)


def by(person: str, company: str = "acme", key: SourceKey = HERE) -> SourceKey:
    return key._replace(person=person, company=company)


@dataclass(frozen=True)
class World:
    """All visits that are remembered."""

    visits: Iterable[Visit] = ()

    def recalled(self, *keys: SourceKey) -> Memory:
        """What is recalled for sources with these keys, whose facts are called by the places of the keys."""
        visits = list(self.visits)
        own = [each for each in visits if not each.key.is_shared]
        return Memory(
            sender=SENDER,
            kin={(k.area, k.agent): [v for v in own if (v.key.area, v.key.agent) == (k.area, k.agent)] for k in keys},
            at_company={k.company: [v for v in visits if v.key.company == k.company] for k in keys},
        )

    def codes(self, hit: Fact | None = None, key: SourceKey = HERE, **sending: Any) -> set[str]:
        """Codes of what is found of one hit, an open after an hour where none is given, by the source with this key."""
        one = hit or fact(HOUR)
        memory = replace(self.recalled(key), keys={one.key: key})
        verdict = judge([one], Sending(sent_at=SENT, links=4, memory=memory, **sending), CATALOGUES)[one.key]
        return {reason.code for reason in verdict.reasons}


def found(*visits: Visit, hit: Fact | None = None, key: SourceKey = HERE) -> set[str]:
    """Codes of memory rules on one hit."""
    return World(visits).codes(hit, key) - World().codes(hit, key)


# The recipient's places


def test_a_place_where_the_recipient_certainly_was_is_known() -> None:
    assert found(visit(sure="person")) == {"known-place"}


def test_a_place_of_two_certain_mails_is_well_known() -> None:
    assert "well-known-place" in found(visit("m1", sure="person"), visit("m2", sure="person"))
    assert "known-place" in found(visit("m1", sure="person"), visit("m1", HERE._replace(agent="other"), "person"))


@pytest.mark.parametrize(
    "there",
    [ELSEWHERE, by("bob"), by("bob", "other")],
    ids=["elsewhere", "a colleague there", "a stranger there"],
)
def test_a_place_where_the_recipient_was_not_is_not_known(there: SourceKey) -> None:
    assert not {"known-place", "well-known-place"} & found(visit(key=there, sure="person"))


def test_a_place_stays_known_whatever_the_same_source_did_with_others_mail() -> None:
    """One who shares the place and the program, and means harm, takes nothing from the recipient."""
    machines = [visit(f"m{number}", by("bob", company), "machine") for number, company in ((2, "acme"), (3, "other"))]

    assert found(visit(sure="person"), *machines) == {"known-place"}


def test_a_known_place_is_known_for_other_programs_too() -> None:
    there = visit(key=HERE._replace(agent="outlook"), sure="person")

    assert "known-place" in found(there)
    assert found(there._replace(key=there.key._replace(is_shared=True, place="shared"))) == {"known-program"}


def test_a_shared_place_is_known_by_the_same_persons_visits_alone() -> None:
    shared = HERE._replace(is_shared=True)

    assert "known-place" in found(visit(key=shared, sure="person"), key=shared, hit=fact(HOUR, agent=GMAIL))
    assert found(visit(key=by("bob", key=shared), sure="person"), key=shared, hit=fact(HOUR, agent=GMAIL)) == set()


def test_a_place_that_asks_for_this_recipients_mail_alone_is_told_and_more_so_again_and_again() -> None:
    assert found(visit()) == {"this-recipient-alone"}
    assert "this-recipient-again-and-again" in found(visit("m1"), visit("m2"), visit("m3"))
    assert "this-recipient-alone" in found(visit("m1"), visit("m2"))


@pytest.mark.parametrize(
    "other",
    [
        visit("m2", by("bob")),
        visit("m2", by("bob", "other")),
        visit("m2", sure="machine"),
        visit("m2", by("bob", key=HERE._replace(agent="outlook"))),
    ],
    ids=["a colleague's mail", "another company's mail", "a machine", "a colleague's mail by another program"],
)
def test_a_place_that_asks_for_others_mail_is_not_this_recipients_alone(other: Visit) -> None:
    assert "this-recipient-alone" not in found(visit(), other)


def test_the_readers_own_protection_does_not_make_their_place_a_machines() -> None:
    mine = [visit(f"m{n}") for n in range(3)]
    antivirus = visit("m0", HERE._replace(agent="antivirus"), "machine")

    assert "this-recipient-again-and-again" in found(*mine, antivirus)
    assert "this-recipient-alone" not in found(mine[0], antivirus)
    assert "this-recipient-again-and-again" not in found(*mine, antivirus._replace(key=HERE))


def test_who_draws_old_mails_of_one_mailbox_within_hours_is_not_its_reader() -> None:
    drawn = [visit(f"m{n}", since=30 * DAY, first=SENT + n * MINUTE) for n in range(3)]

    assert "this-recipient-again-and-again" not in found(*drawn)
    assert "this-recipient-again-and-again" in found(*drawn[1:], drawn[0]._replace(first=SENT - 2 * DAY))
    assert "this-recipient-again-and-again" in found(*(each._replace(since=HOUR) for each in drawn))


@pytest.mark.parametrize(
    ("past", "checks"),
    [
        ([], True),
        ([visit()], False),
        ([visit(sure="person")], False),
        ([visit(sure="machine")], True),
        ([visit("m1", by("bob", "other"))], True),
        ([visit("m1"), visit("m2", by("bob"))], True),
    ],
    ids=["never there", "alone there", "certainly there", "a machine", "a stranger's", "a colleague's, too"],
)
def test_a_cloud_where_the_recipient_alone_was_at_other_mail_is_no_check(past: list[Visit], checks: bool) -> None:
    stranger = click(HOUR, agent="Mozilla/5.0 (iPhone)", network="89.160.20.0/24")
    hit = click(HOUR + 3_000, network="3.5.0.0/24", owner="aws")
    memory = replace(World(past).recalled(HERE), keys={hit.key: HERE})
    verdict = judge([stranger, hit], Sending(sent_at=SENT, links=4, memory=memory), CATALOGUES)[hit.key]

    assert ("checked-after" in {reason.code for reason in verdict.reasons}) == checks


def test_a_mail_service_through_which_the_recipient_has_read_after_delivery_is_known() -> None:
    shared = HERE._replace(is_shared=True)
    read = visit(key=shared, odds=1.0)

    def told(*visits: Visit, hit: Fact | None = None) -> bool:
        return "known-service" in found(*visits, key=shared, hit=hit or fact(HOUR, agent=GMAIL))

    assert told(read)
    assert told(read._replace(since=MINUTE, sure="person"))
    assert not told(read._replace(since=MINUTE))
    assert not told(read._replace(odds=-1.0))
    assert not told(read._replace(key=shared._replace(program="other")))
    assert not told(read._replace(key=by("bob", key=shared)))
    assert not told(read, hit=click(HOUR, agent=GMAIL))


def test_a_place_that_no_other_mail_knows_is_not_this_recipients_alone() -> None:
    assert found() == set()


def test_a_program_with_which_the_recipient_certainly_read_elsewhere_is_known() -> None:
    there = visit(key=ELSEWHERE._replace(agent="chrome-141"), sure="person")

    assert found(there) == {"known-program"}
    assert found(there._replace(sure="")) == set()
    assert found(there._replace(key=there.key._replace(program="outlook"))) == set()
    assert found(there._replace(key=by("bob", key=there.key))) == set()


def test_a_place_of_colleagues_is_an_office() -> None:
    bob, cleo = visit("m1", by("bob"), "person"), visit("m2", by("cleo"), "person")

    assert "colleague-s-place" in found(bob)
    assert "known-office" in found(bob, cleo)
    assert "colleague-s-place" in found(bob, bob._replace(message="m3"))


def test_an_office_is_no_place_of_machines_and_no_other_companys() -> None:
    bob, cleo = visit("m1", by("bob"), "person"), visit("m2", by("cleo"), "person")
    offices = {"colleague-s-place", "known-office"}

    assert not offices & found(bob, cleo, visit("m3", by("dan", "other"), "machine"))
    assert not offices & found(bob._replace(key=by("bob", "other")))
    assert not offices & found(bob._replace(key=by("bob", key=ELSEWHERE)))
    assert not offices & found(visit(sure="person"))


def test_who_reads_elsewhere_as_far_as_is_known_is_new_here() -> None:
    outlook = ELSEWHERE._replace(agent="outlook", program="outlook")
    known = [visit("m1", outlook, "person", sender=SENDER), visit("m2", outlook._replace(area="other"), "person")]

    assert "new-place" in found(*known)
    assert "new-place" not in found(known[0])
    assert "new-place" not in found(*known, visit("m3"))
    assert "new-place" not in found(*known, visit("m3", by("bob")))
    assert "new-place" not in found(*known, key=HERE._replace(is_shared=True))


def test_a_program_in_which_the_recipient_certainly_read_may_be_carried_to_a_new_place() -> None:
    outlook = ELSEWHERE._replace(agent="outlook", program="outlook")
    known = [visit(f"m{n}", outlook, "person") for n in range(2)]
    carried = visit("m3", ELSEWHERE._replace(area="far", agent="chrome/2"), "person")

    assert "new-place" not in found(*known, carried)
    assert "new-place" not in found(*known, carried, hit=click(HOUR))
    assert "new-place" in found(*known, carried._replace(sure=""))


def test_who_reads_with_other_programs_as_far_as_is_known_is_new_with_this_one() -> None:
    outlook = ELSEWHERE._replace(agent="outlook", program="outlook")
    read = [visit("m1", outlook, odds=1.0), visit("m2", outlook, odds=1.0)]

    assert found(*read) == {"new-program"}
    assert found(read[0]) == set()
    assert found(*read, hit=click(HOUR)) == set()
    assert found(*read, visit("m3", ELSEWHERE._replace(area="far"), odds=1.0)) == set()
    assert found(read[0], read[1]._replace(odds=-1.0)) == set()


# What the same source did with other mails


def test_a_source_that_was_a_machine_at_two_mails_is_one_of_machines() -> None:
    machines = [visit("m1", by("bob", "other"), "machine"), visit("m2", by("bob", "other"), "machine")]

    assert "source-of-machines" in found(*machines)
    assert "source-of-machines" not in found(machines[0])
    assert "source-of-machines" not in found(machines[0], machines[1]._replace(message="m1"))
    assert "source-of-machines" not in found(*machines, visit("m3", sure="person"))


def test_a_source_that_was_a_persons_at_two_mails_is_one_of_people() -> None:
    people = [visit("m1", by("bob", "other"), "person"), visit("m2", by("cleo", "other"), "person")]

    assert "source-of-people" in found(*people)
    assert "source-of-people" not in found(people[0])
    assert "source-of-people" not in found(*people, visit("m3", by("bob"), "machine"))


def test_no_single_mail_says_that_a_source_behaves_like_a_machine_or_like_people() -> None:
    assert not {"source-like-a-machine", "source-like-people"} & {*found(visit(odds=-9.0)), *found(visit(odds=9.0))}
    assert "source-like-a-machine" in found(visit("m1", odds=-9.0), visit("m2", odds=-9.0))
    assert "source-like-a-machine" not in found(visit("m1", odds=-9.0), visit("m2", odds=-2.0))
    assert "source-like-people" in found(visit("m1", odds=9.0), visit("m2", odds=9.0), visit("m3", odds=9.0))
    assert "source-like-people" not in found(visit("m1", odds=9.0), visit("m2", odds=9.0))


def test_the_order_of_mails_says_nothing_of_how_a_source_behaves() -> None:
    """Sums of these numbers differ in their last bit, and lie at the bound."""
    visits = [visit(f"m{number}", odds=odds) for number, odds in enumerate((-2.4, -2.3, -0.3))]

    for ordered in permutations(visits):
        assert "source-like-a-machine" in found(*ordered)


def test_a_source_at_several_companies_is_told_by_their_number() -> None:
    one, two = visit("m1", by("bob", "b")), visit("m2", by("cleo", "c"))

    assert "source-at-two-companies" in found(one)
    assert "source-at-many-companies" in found(one, two)
    assert "source-at-two-companies" in found(one, two._replace(key=by("cleo", "b")))


def test_a_source_at_three_people_of_one_company_is_an_office_or_a_gateway() -> None:
    one, two = visit("m1", by("bob")), visit("m2", by("cleo"))

    assert "source-at-several-people" in found(one, two)
    assert "source-at-several-people" not in found(one)
    assert "source-at-several-people" not in found(one, two._replace(key=by("cleo", key=ELSEWHERE)))


def test_an_office_where_colleagues_certainly_read_is_no_gateway() -> None:
    one, two = visit("m1", by("bob"), "person"), visit("m2", by("cleo"), "person")

    assert "source-at-several-people" not in found(one, two)
    assert "source-at-several-people" in found(one, two._replace(sure=""))


def test_mail_programs_behind_one_carrier_are_no_scanner_of_many_companies() -> None:
    one, two, three = (visit(f"m{n}", by(f"p{n}", f"c{n}"), sender="sam") for n in range(3))
    far = [each._replace(key=each.key._replace(place="bbbb")) for each in (one, two, three)]
    companies = {"source-at-many-companies", "kin-at-many-companies"}

    assert companies & found(one, two, three)
    assert companies & found(*far)
    assert not companies & found(one, two, three, hit=fact(HOUR, agent=OUTLOOK))
    assert not companies & found(*far, hit=fact(HOUR, agent=OUTLOOK))


def test_what_many_people_share_is_no_source() -> None:
    shared = HERE._replace(is_shared=True)
    visits = [visit(f"m{n}", by(f"p{n}", f"c{n}", shared), "machine", odds=-9) for n in range(5)]

    assert found(*visits, key=shared, hit=fact(HOUR, agent=GMAIL)) == set()


# Relatives of a source


def test_an_agent_under_which_machines_look_at_the_companys_mail_is_told() -> None:
    far = ELSEWHERE._replace(area="far")
    machines = [visit("m1", by("bob", key=far), "machine"), visit("m2", by("bob", key=far), "machine")]

    assert found(*machines) == {"agent-of-machines"}
    assert found(machines[0]) == set()
    assert found(*machines, visit("m3", by("cleo", key=far), "person")) == set()
    assert found(*(each._replace(key=each.key._replace(agent="other")) for each in machines)) == set()


def test_an_agent_that_is_a_machines_in_other_networks_of_the_owner_is_kin() -> None:
    machines = [visit(f"m{n}", by("bob", "b", ELSEWHERE), "machine") for n in range(2)]

    assert "kin-of-machines" in found(*machines)
    assert "kin-of-machines" not in found(machines[0])
    assert "kin-of-machines" not in found(*machines, visit("m5", by("bob", "b", ELSEWHERE), "person"))
    assert found(*(each._replace(key=each.key._replace(area="far")) for each in machines)) == set()


def test_an_agent_that_looks_at_several_companies_from_other_networks_of_the_owner_is_kin() -> None:
    visits = [visit("m1", by("bob", "b", ELSEWHERE), targets=1), visit("m2", by("cleo", "c", ELSEWHERE), targets=1)]

    assert found(*visits) == {"kin-at-many-companies"}
    assert found(visits[0]) == set()
    assert found(*visits, visit("m3", by("dan", "d", ELSEWHERE), "person", targets=1)) == set()


# The sender's devices


def test_a_device_that_looks_at_one_senders_mail_to_several_companies_is_the_senders() -> None:
    one, two = visit("m1", by("bob", "b")), visit("m2", by("cleo", "c"))

    assert "own-device" in found(one, two)
    assert "perhaps-own-device" in found(one)
    assert "own-device" in found(visit("m1", by("bob", "b"), "own"))


def test_a_device_in_other_networks_of_its_carrier_is_the_senders_surely_where_it_has_loaded_a_quoted_mail() -> None:
    one, two = visit("m1", by("bob", "b", ELSEWHERE)), visit("m2", by("cleo", "c", ELSEWHERE))

    assert "perhaps-own-device" in found(one, two)
    assert "own-device" in found(one, two._replace(sure="own"))
    assert "own-device" not in found(one, two._replace(sure="own", sender="sam"))


def test_a_carriers_phones_are_not_the_senders_where_they_look_once_at_other_senders_mail_too() -> None:
    mine = [visit(f"m{n}", by(f"p{n}", f"c{n}", ELSEWHERE)) for n in range(3)]
    others = [visit(f"o{n}", by(f"q{n}", f"d{n}", ELSEWHERE), sender="sam") for n in range(2)]
    quoted = mine[0]._replace(sure="own")

    assert not {"own-device", "perhaps-own-device"} & found(*mine, *others)
    assert "perhaps-own-device" in found(quoted, *mine[1:], *others)
    assert "own-device" in found(quoted, *mine[1:], others[0])


def test_a_device_that_comes_back_to_people_again_and_again_is_not_the_senders() -> None:
    one, two = visit("m1", by("bob", "b")), visit("m2", by("cleo", "c"))
    again = [visit(f"r{n}", by("dan", "d")) for n in range(4)]

    assert "own-device" in found(one, two, *again[:2])
    assert "own-device" not in found(one, two, *again)


def test_phones_behind_one_address_are_not_the_senders_where_links_follow_their_looks() -> None:
    """Readers of one sender, on phones that say the same: each has looked once, and followed links in a browser."""
    looks = [visit(f"m{n}", by(f"p{n}", f"c{n}")) for n in range(3)]
    followed = [visit(f"f{n}", by(f"q{n}", f"d{n}"), odds=4.4) for n in range(2)]

    assert "own-device" in found(*looks, followed[0])
    assert "own-device" in found(*looks, *(each._replace(odds=2.6) for each in followed))
    assert not {"own-device", "perhaps-own-device"} & found(*looks, *followed)


def test_the_senders_device_is_known_at_a_recipient_whose_mail_it_has_looked_at_before() -> None:
    looks = [visit(f"m{n}", by(f"p{n}", f"c{n}")) for n in range(3)]

    assert "own-device" in found(*looks, visit("m4"))
    assert "own-device" not in found(*looks, visit("m4"), visit("m5"))
    assert "own-device" not in found(*looks, visit("m4", sure="person"))


@pytest.mark.parametrize(
    "other",
    [
        visit("m3", by("dan", "d"), sender="sam"),
        visit("m3", by("dan", "d"), targets=1),
        visit("m3", by("dan", "d"), "person"),
        visit("m3", by("dan", "d"), "machine"),
        visit("m3"),
    ],
    ids=["another sender's mail", "a link was followed", "a person", "a machine", "the recipient's earlier mail"],
)
def test_no_device_is_the_senders_that_does_what_the_sender_does_not(other: Visit) -> None:
    visits = visit("m1", by("bob", "b")), visit("m2", by("cleo", "c")), other

    assert not {"own-device", "perhaps-own-device"} & found(*visits)


def test_a_click_is_never_told_to_be_by_the_senders_device() -> None:
    visits = visit("m1", by("bob", "b")), visit("m2", by("cleo", "c"))

    assert not {"own-device", "perhaps-own-device"} & found(*visits, hit=click(HOUR))


# Places where the sender works

AT_WORK, OWN_PLACES = Worked(2, 2), {"own-place", "perhaps-own-place"}


def at_work(
    *visits: Visit, worked: Worked = AT_WORK, hit: Fact | None = None, others: Sequence[SourceKey] = ()
) -> set[str]:
    """Codes of what is found of a hit at a place where the sender of the mail works.

    `others` are keys of hits at other copies of the mail.
    """
    one = hit or fact(HOUR, agent=OUTLOOK)
    more = [fact(HOUR + 1_000 * number, agent=OUTLOOK, recipient=number) for number, _ in enumerate(others, 1)]
    keys = {one.key: HERE, **{each.key: key for each, key in zip(more, others, strict=True)}}
    memory = replace(World(visits).recalled(*keys.values()), keys=keys, worked={(HERE.place, HERE.agent): worked})
    verdicts = judge([one, *more], Sending(sent_at=SENT, links=4, memory=memory), CATALOGUES)
    return {reason.code for reason in verdicts[one.key].reasons}


def test_a_look_from_a_computer_where_its_sender_works_may_be_the_senders() -> None:
    assert OWN_PLACES & at_work() == {"perhaps-own-place"}


@pytest.mark.parametrize(
    ("worked", "is_found"),
    [(Worked(1, 1), False), (Worked(2, 0), False), (Worked(2, 1), False), (Worked(2, 2), True), (Worked(3, 0), True)],
    ids=["a visit", "two days with another device", "a day of each", "two days", "three days with another device"],
)
def test_a_place_is_the_senders_from_the_second_day_with_such_a_device_and_the_third_with_any(
    worked: Worked, is_found: bool
) -> None:
    assert (OWN_PLACES & at_work(worked=worked) == {"perhaps-own-place"}) is is_found


def test_it_is_the_senders_surely_where_it_has_looked_at_mail_to_another_company() -> None:
    for worked in (AT_WORK, Worked(1, 0)):
        assert OWN_PLACES & at_work(visit("m1", by("bob", "b")), worked=worked) == {"own-place"}
    assert OWN_PLACES & at_work(visit("m1", by("bob"))) == {"perhaps-own-place"}
    assert "own-device" in at_work(visit("m1", by("bob", "b")), visit("m2", by("cleo", "c")))


@pytest.mark.parametrize(
    "there",
    [
        visit(sure="person"),
        visit(key=by("bob"), sure="person"),
        visit(key=by("bob", key=HERE._replace(agent="chrome on a phone")), sure="person"),
        visit(key=by("bob", "other"), sure="person"),
        visit(key=by("bob"), odds=4.0),
        visit(key=by("bob"), targets=1),
        visit(),
    ],
    ids=[
        "the recipient",
        "a colleague",
        "a colleague with another program",
        "someone of another company",
        "a colleague, probably",
        "a colleague who followed a link",
        "a look at the recipient's earlier mail",
    ],
)
def test_where_people_read_the_sender_s_work_says_nothing(there: Visit) -> None:
    """Senders work at their customers', too."""
    assert not OWN_PLACES & at_work(there, worked=Worked(3, 3))


def test_where_several_copies_of_one_mail_are_opened_the_senders_work_says_nothing() -> None:
    assert not OWN_PLACES & at_work(others=[by("bob")], worked=Worked(3, 3))
    assert OWN_PLACES & at_work(others=[by("bob", key=ELSEWHERE)]) == {"perhaps-own-place"}


def test_a_click_is_never_told_by_where_the_sender_works() -> None:
    assert not OWN_PLACES & at_work(visit("m1", by("bob", "b")), hit=click(HOUR), worked=Worked(3, 3))


# Sweeps, and gateways


def sweep(number: int, **fields: Any) -> Visit:
    """A visit an hour before the look at an old mail, at a mail that was a month old then."""
    shape = visit(f"m{number}", by(f"p{number % 2}"), first=SENT + 40 * DAY - HOUR, since=30 * DAY)
    return shape._replace(**fields)


def test_a_source_that_draws_the_old_mails_of_several_people_within_hours_sweeps() -> None:
    old = fact(40 * DAY)

    assert "sweep" in found(*map(sweep, range(3)), hit=old)
    assert "sweep" not in found(*map(sweep, range(2)), hit=old)
    assert "sweep" not in found(*(sweep(n, first=SENT + 39 * DAY) for n in range(3)), hit=old)
    assert "sweep" not in found(*(sweep(n, since=HOUR) for n in range(3)), hit=old)
    assert "sweep" not in found(*(sweep(n, key=HERE) for n in range(3)), hit=old)
    assert "sweep" not in found(*(sweep(n, first=SENT + HOUR) for n in range(3)), hit=fact(2 * HOUR))


def gate(number: int, sure: Sure = "machine", **fields: Any) -> Visit:
    """A machine, elsewhere, at the company's mail 5 minutes after dispatch."""
    key = HERE._replace(place=f"gate{number}", area=f"gate{number}", agent=f"gate{number}")
    return visit(f"m{number}", by("bob", key=key), sure, since=5 * MINUTE, **fields)


def test_what_machines_do_with_the_companys_mail_at_that_stage_is_told() -> None:
    then = fact(4 * MINUTE)
    gates = [gate(n) for n in range(3)]

    assert found(*gates, hit=then) == {"gateway-acts-then"}
    assert found(*gates[:2], hit=then) == set()
    assert found(*gates, hit=fact(2 * HOUR)) == set()
    assert found(*gates, hit=click(4 * MINUTE)) == set()
    assert found(*(gate(n, opens=0, targets=2) for n in range(3)), hit=click(4 * MINUTE)) == {"gateway-acts-then"}
    assert found(*gates, *(gate(n, "person") for n in (5, 6)), hit=then) == set()


def test_each_finding_counts_once_however_many_mails_speak_for_it() -> None:
    few = World([visit(f"m{n}", by(f"p{n}", f"c{n}"), "machine", odds=-9) for n in range(4)])
    many = World([visit(f"m{n}", by(f"p{n}", f"c{n}"), "machine", odds=-9) for n in range(900)])
    one = fact(HOUR)

    def reasons(world: World) -> dict[str, float]:
        sending = Sending(sent_at=SENT, links=4, memory=replace(world.recalled(HERE), keys={one.key: HERE}))
        return {each.code: each.weight for each in judge([one], sending, CATALOGUES)[one.key].reasons}

    assert reasons(few) == reasons(many)
