"""A source that wants to mislead: what it can move of other people's verdicts, and what it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lib.assessment.session_places import SessionPlaces
from lib.clock import SetClock, moment
from lib.messages.feedback import Was
from lib.people.address_hashes import AddressHashes
from lib.people.store import People
from lib.storage.memory import memory_storage
from lib.tracking.facts import Fact
from lib.verdicts import Sending, Verdict
from lib.verdicts.judge import judge_and_remember
from lib.verdicts.weights import WEIGHTS
from tests.support.heed import CHROME
from tests.support.visits_suite import ADA, AT, BOB, CATALOGUES, CLEO, HOME, SENDER, Office, hit

HERS, HIS = "45.155.91.0/24", "45.155.92.0/24"
"""Two networks that sit in no list and have different owners, as far as is known."""

MINUTE = 60_000
ROBOT = "Robot/1.0 (+https://robot.example; bot)"

FOUND_OF_A_SOURCE = {
    "source-of-machines",
    "source-like-a-machine",
    "source-at-many-companies",
    "source-at-two-companies",
    "source-at-several-people",
    "own-device",
    "perhaps-own-device",
    "sweep",
}
FOUND_OF_KIN = {"kin-of-machines", "kin-at-many-companies"}
FOUND_OF_A_COMPANY = {"gateway-acts-then", "agent-of-machines"}


@pytest.fixture
async def office() -> Office:
    return await Office(memory_storage()).open()


async def judged(
    office: Office, message: str, email: str, *facts: Fact, others: Sequence[str] = (), was: Was | None = None
) -> dict[str, Verdict]:
    """Judge the mail as the assessor does, and remember what was found; verdicts by fact key.

    `others` are recipients besides, from number 1 on. `was` is what a user says of each hit.
    """
    theirs = [replace(fact, message=message) for fact in facts]
    memory = await office.visits.recall(office.organization, message, SENDER, [email, *others], theirs)
    words = {fact.key: was for fact in theirs} if was else {}
    sending = Sending(sent_at=AT - MINUTE, links=3, memory=memory, feedback=words)
    found = judge_and_remember(theirs, sending, CATALOGUES)
    await office.visits.save_visits(office.organization, memory, found.visits, is_whole=True)
    return found.verdicts


def moved(before: Verdict, after: Verdict) -> Mapping[str, float]:
    """Weights of what is found after and was not before, by code; what was found before must still be."""
    codes = {reason.code: reason.weight for reason in before.reasons if reason.code != "no-machine-sign"}
    now = {reason.code: reason.weight for reason in after.reasons if reason.code != "no-machine-sign"}
    assert codes.items() <= now.items()
    return {code: weight for code, weight in now.items() if code not in codes}


async def attack(
    office: Office, domain: Any, network: str = HIS, agent: str = ROBOT, mails: int = 40, method: str = "GET"
) -> None:
    """Let one source look at mails that were forwarded to it, at the image and all links, a hundred times each."""
    for number in range(mails):
        kinds = ("open", "click", "click", "click")
        facts = [
            hit(n, network, agent, kind=kinds[n % 4], item=n % 4, method=method)
            for n in range(100)
        ]  # fmt: skip
        await judged(office, f"f{number:03x}", f"p{number}@{domain(number)}", *facts)


HITS = [hit(300, HERS), hit(300, HERS, kind="click", item=1), hit(4_000, HERS), hit(4_000, HOME, kind="click")]


@pytest.mark.parametrize("fact", HITS, ids=["open", "click", "later open", "click from home"])
async def test_a_source_moves_no_verdict_on_another_source_at_another_company(office: Office, fact: Fact) -> None:
    before = (await judged(office, "a1", CLEO, fact))[fact.key]
    await attack(office, lambda number: f"c{number}.example")

    assert (await judged(office, "a1", CLEO, fact))[fact.key] == before


@pytest.mark.parametrize("fact", HITS[:3], ids=["open", "click", "later open"])
async def test_one_at_the_same_place_with_the_same_program_moves_by_each_stated_finding_once(
    office: Office, fact: Fact
) -> None:
    """However many mails it has: forty, or all that are read."""
    before = (await judged(office, "a1", CLEO, fact))[fact.key]
    await attack(office, lambda number: f"c{number}.example", HERS, CHROME)

    found = moved(before, (await judged(office, "a1", CLEO, fact))[fact.key])

    assert found
    assert set(found) <= FOUND_OF_A_SOURCE | FOUND_OF_KIN
    assert all(weight == WEIGHTS[code].for_kind(fact.kind) for code, weight in found.items())


async def test_a_certain_reader_at_that_place_is_not_moved_at_all(office: Office) -> None:
    """Where the recipient certainly was, nothing more is asked of the place."""
    for message in ("b1", "b2"):
        reply = hit(400, None, None, kind="reply", method="MAIL", mail=message * 16)
        await judged(office, message, CLEO, hit(300, HERS), hit(350, HERS), reply)
    fact = hit(300, HERS)
    before = (await judged(office, "a1", CLEO, fact))[fact.key]
    assert "well-known-place" in {reason.code for reason in before.reasons}
    await attack(office, lambda number: f"c{number}.example", HERS, CHROME)

    assert (await judged(office, "a1", CLEO, fact))[fact.key] == before


@pytest.mark.parametrize("fact", HITS[:2], ids=["open", "click"])
async def test_with_mails_of_one_company_a_source_moves_its_people_by_the_gateways_habits_alone(
    office: Office, fact: Fact
) -> None:
    before = (await judged(office, "a1", CLEO, fact))[fact.key]
    await attack(office, lambda _: "two.example")

    found = moved(before, (await judged(office, "a1", CLEO, fact))[fact.key])

    assert set(found) == {"gateway-acts-then"}


async def was_surely_here(office: Office, email: str) -> None:
    """Let the recipient of two mails read them, and answer."""
    for message in ("b1", "b2"):
        reply = hit(400, None, None, kind="reply", method="MAIL", mail=message * 16)
        await judged(office, message, email, hit(300, HERS), hit(350, HERS), reply)


async def test_a_colleague_on_the_same_mail_takes_no_known_place_from_its_reader(office: Office) -> None:
    """The colleague sits in the same office, has the same browser, and was a machine at two mails."""
    await was_surely_here(office, ADA)
    for message in ("c1", "c2"):
        await judged(office, message, BOB, hit(300, HERS, method="HEAD"))
    fact, colleagues = hit(300, HERS), hit(600, HERS, recipient=1)
    before = (await judged(office, "a1", ADA, fact))[fact.key]

    assert (await judged(office, "a1", ADA, fact, colleagues, others=[BOB]))[fact.key] == before


async def test_however_many_sources_one_recipients_copy_draws_the_others_places_are_looked_up(office: Office) -> None:
    await was_surely_here(office, ADA)
    fact = hit(4_000, HERS)
    noise = [hit(n, f"45.{n // 250}.{n % 250}.0/24", f"agent/{n}", recipient=1) for n in range(1_000)]

    after = await judged(office, "a1", ADA, *noise, fact, others=[BOB])

    assert "well-known-place" in {reason.code for reason in after[fact.key].reasons}


@pytest.mark.parametrize("fact", HITS[:2], ids=["open", "click"])
async def test_with_mails_to_a_mail_service_for_anybody_a_source_moves_none_of_its_people(
    office: Office, fact: Fact
) -> None:
    """They share a domain, and are strangers."""
    before = (await judged(office, "a1", "cleo@gmail.com", fact))[fact.key]
    await attack(office, lambda _: "gmail.com", agent=CHROME, method="HEAD")

    assert (await judged(office, "a1", "cleo@gmail.com", fact))[fact.key] == before
    together = await judged(office, "a1", "cleo@gmail.com", fact, hit(900, HIS, recipient=1), others=["p1@gmail.com"])
    assert together[fact.key] == before


@pytest.mark.parametrize("fact", HITS[:2], ids=["open", "click"])
async def test_with_the_readers_program_it_moves_the_companys_people_by_one_more_finding(
    office: Office, fact: Fact
) -> None:
    before = (await judged(office, "a1", CLEO, fact))[fact.key]
    await attack(office, lambda _: "two.example", agent=CHROME, method="HEAD")

    found = moved(before, (await judged(office, "a1", CLEO, fact))[fact.key])

    assert set(found) == FOUND_OF_A_COMPANY
    assert all(weight == WEIGHTS[code].for_kind(fact.kind) for code, weight in found.items())


@pytest.mark.parametrize("was", ["machine", "me", "person"])
@pytest.mark.parametrize("fact", HITS[:2], ids=["open", "click"])
async def test_a_users_words_move_other_mails_of_the_source_by_what_it_behaves_like_alone(
    office: Office, fact: Fact, was: Was
) -> None:
    mails = {f"f{number}": hit(300 + number, HERS) for number in range(3)}
    for message, look in mails.items():
        await judged(office, message, "bob@two.example", look)
    before = (await judged(office, "a1", CLEO, fact))[fact.key]

    for message, look in mails.items():
        await judged(office, message, "bob@two.example", look, was=was)

    found = moved(before, (await judged(office, "a1", CLEO, fact))[fact.key])
    assert set(found) == {"source-like-people" if was == "person" else "source-like-a-machine"}


async def test_thousands_of_hits_at_one_recipients_token_say_as_much_as_one_mail(office: Office) -> None:
    fact = hit(300, HERS)
    before = (await judged(office, "a1", CLEO, fact))[fact.key]
    hits = [hit(n, HERS, CHROME, kind="click", item=n % 3) for n in range(3_000)]

    for start in range(0, 3_000, 500):
        await judged(office, "f1", "bob@one.example", *hits[: start + 500])

    found = moved(before, (await judged(office, "a1", CLEO, fact))[fact.key])
    assert set(found) == {"source-at-two-companies"}


async def test_a_source_that_behaves_like_people_makes_no_machine_a_person_elsewhere(office: Office) -> None:
    """It has looked and answered under the name of forty companies, with the scanner's program."""
    scan = [hit(number, HERS, ROBOT, kind="click", item=number % 3) for number in range(3)]
    before = await judged(office, "a1", CLEO, *scan)
    for number in range(40):
        reply = hit(900, None, None, kind="reply", method="MAIL", mail=f"{number:02x}" * 16)
        facts = hit(600, HIS, ROBOT), hit(700, HIS, ROBOT), reply
        await judged(office, f"f{number:03x}", f"p{number}@c{number}.example", *facts)

    assert await judged(office, "a1", CLEO, *scan) == before


# Sessions of the console, by which nobody is to silence recipients


async def worked(office: Office, days: int = 90, network: str = HERS) -> SessionPlaces:
    """Whoever has a stolen key, or visits a customer, works in the console at a place, day after day."""
    places = SessionPlaces(
        office.tables, People(office.tables), AddressHashes(office.storage), CATALOGUES, SetClock(moment(AT))
    )
    for day in reversed(range(days)):
        session = replace(hit(0, network, CHROME), at=AT - day * 86_400_000)
        await places.save_session(office.organization, SENDER, SENDER, session)
    return places


async def judged_with(
    office: Office, places: SessionPlaces, email: str, *facts: Fact, sender: str = SENDER
) -> dict[str, Verdict]:
    """Judge a mail as the assessor does, with the places at which its sender works."""
    theirs = [replace(fact, message="a1") for fact in facts]
    memory = await office.visits.recall(office.organization, "a1", sender, [email], theirs)
    known = await places.recall(office.organization, sender, memory, theirs)
    sending = Sending(sent_at=AT - MINUTE, links=3, memory=replace(memory, worked=known))
    return judge_and_remember(theirs, sending, CATALOGUES).verdicts


@pytest.mark.parametrize("fact", HITS[:3], ids=["open", "click", "later open"])
async def test_sessions_move_opens_at_the_place_by_one_finding_and_no_click(office: Office, fact: Fact) -> None:
    """However many days there were."""
    before = (await judged(office, "a1", CLEO, fact))[fact.key]
    places = await worked(office)

    found = moved(before, (await judged_with(office, places, CLEO, fact))[fact.key])

    assert found == ({} if fact.kind == "click" else {"perhaps-own-place": WEIGHTS["perhaps-own-place"].open})


@pytest.mark.parametrize("fact", HITS[:3], ids=["open", "click", "later open"])
async def test_sessions_move_nothing_elsewhere_and_nothing_of_other_senders_mail(office: Office, fact: Fact) -> None:
    before = (await judged(office, "a1", CLEO, fact))[fact.key]
    elsewhere = await worked(office, network=HIS)
    assert (await judged_with(office, elsewhere, CLEO, fact))[fact.key] == before

    here = await worked(office)
    assert (await judged_with(office, here, CLEO, fact, sender="another"))[fact.key] == before


async def test_sessions_move_nothing_where_the_recipient_or_a_colleague_certainly_read(office: Office) -> None:
    """The sender works at the office of a customer, whose people have answered mail that they opened there."""
    await was_surely_here(office, ADA)
    places, fact = await worked(office), hit(4_000, HERS)
    for email in (ADA, BOB):
        before = (await judged(office, "a1", email, fact))[fact.key]

        assert (await judged_with(office, places, email, fact))[fact.key] == before


async def test_a_recipient_who_clicks_or_answers_is_believed_where_the_sender_works(office: Office) -> None:
    """Nothing is certain of the place yet, and the sender's sessions are of ninety days."""
    places = await worked(office)
    opened, click = hit(4_000, HERS), hit(4_020, HERS, kind="click", item=1)
    answer = hit(4_100, None, None, kind="reply", method="MAIL", mail="b" * 32)

    clicked = await judged_with(office, places, CLEO, opened, click)
    answered = await judged_with(office, places, CLEO, opened, answer)

    assert clicked[click.key].kind == "human"
    assert answered[opened.key].kind == "human"
