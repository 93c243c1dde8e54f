"""Who gets what of a message: the recipients' records, what it is regarding, and all their parents."""

from __future__ import annotations

from typing import Any

from lib.records.shares import shares_of
from lib.verdicts.tallies import Sums, Tallies
from tests.support.engaging import Office, fact, judged
from tests.support.heed import START

AT = int(START.timestamp() * 1000)


def opens(sums: Sums) -> int:
    return sums.events["open"].count if "open" in sums.events else 0


def shared_out(office: Office, message: str, tallies: Tallies, **parents: list[str]) -> dict[str, int]:
    """Opens by record; every record of the message has no parents but those that are named, as in `contact_c1`."""
    named = {name.replace("_", "|"): above for name, above in parents.items()}
    everybody: Any = {"contact|c1": [], "contact|c2": [], "opportunity|o1": [], **named}
    return {name: opens(share.sums) for name, share in shares_of(office.messages[message], tallies, everybody).items()}


def test_a_recipients_events_belong_to_the_recipients_record() -> None:
    office = Office()
    message = office.sent("contact/c1", "contact/c2")

    found = shared_out(office, message, judged([fact("open", AT, 1, number) for number in range(3)]))

    assert found == {"contact|c1": 0, "contact|c2": 3}


def test_events_of_a_shared_copy_belong_to_every_recipient() -> None:
    office = Office()
    message = office.sent("contact/c1", "contact/c2", regarding="opportunity/o1")

    found = shared_out(office, message, judged([fact("open", AT, None)]))

    assert found == {"contact|c1": 1, "contact|c2": 1, "opportunity|o1": 1}


def test_what_a_message_is_regarding_gets_all_its_events_once() -> None:
    office = Office()
    message = office.sent("contact/c1", "contact/c2", regarding="contact/c2")

    found = shared_out(office, message, judged([fact("open", AT, number, number) for number in (0, 1)]))

    assert found == {"contact|c1": 1, "contact|c2": 2}


def test_two_recipients_of_one_record_count_together() -> None:
    office = Office()
    message = office.sent("contact/c1", "contact/c1")

    found = shared_out(office, message, judged([fact("open", AT, number, number) for number in (0, 1)]))

    assert found == {"contact|c1": 2}


def test_a_parent_gets_a_message_once_by_however_many_children() -> None:
    office = Office()
    message = office.sent("contact/c1", "contact/c2", regarding="opportunity/o1")
    facts = [fact("open", AT, recipient, number) for number, recipient in enumerate([0, 1, 1, None])]

    found = shared_out(
        office,
        message,
        judged(facts),
        contact_c1=["account|a1", "account|top"],
        contact_c2=["account|a1", "account|top"],
        opportunity_o1=["account|a1", "account|top"],
    )

    assert (found["account|a1"], found["account|top"]) == (4, 4)


def test_a_parent_of_some_recipients_gets_theirs_alone() -> None:
    office = Office()
    message = office.sent("contact/c1", "contact/c2")
    facts = [fact("open", AT, recipient, number) for number, recipient in enumerate([0, 1, 1])]

    found = shared_out(office, message, judged(facts), contact_c1=["account|a1"])

    assert found["account|a1"] == 1


def test_what_is_not_sent_gives_nothing() -> None:
    office = Office()
    message = office.sent("contact/c1")
    office.messages[message].state = "scheduled"

    assert shared_out(office, message, judged([fact("open", AT)])) == {}
