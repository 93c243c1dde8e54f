"""Which inbound mail is kept as an activity, and what it regards."""

from __future__ import annotations

import pytest

from lib.fields import Regarding
from lib.inbound.classification import MailKind
from lib.inbound.correlation import Correlation
from lib.inbound.tracking import Arrival, InboundChoice, decide_tracking, kind_of, more_specific
from lib.people.families import Families
from lib.people.records import StoredRecord

SENT = "5" * 32
ANSWERS = Correlation(3, "in_reply_to", 0.98, SENT, 0, "Its In-Reply-To names that mail.", SENT, "recipient")
NOTHING = Correlation(0, "none", 0.0, None, None, "Nothing in it leads to a message.")


def ways(
    arrival: Arrival, correlation: Correlation = NOTHING, kind: MailKind = MailKind.REPLY, known: bool = False
) -> list[str]:
    return list(decide_tracking(kind, correlation, arrival, known).ways)


@pytest.mark.parametrize(
    ("choice", "answer", "from_known", "other"),
    [
        ("all", ["in_reply_to"], ["all"], ["all"]),
        ("replies", ["in_reply_to"], [], []),
        ("known", ["in_reply_to"], ["known"], []),
        ("none", [], [], []),
        (None, [], [], []),
    ],
)
def test_the_user_chooses(
    choice: InboundChoice | None, answer: list[str], from_known: list[str], other: list[str]
) -> None:
    arrival = Arrival(choice=choice)
    assert ways(arrival, ANSWERS) == answer
    assert ways(arrival, known=True) == from_known
    assert ways(arrival) == other


@pytest.mark.parametrize("kind", [MailKind.BOUNCE, MailKind.COMPLAINT])
def test_what_tells_of_our_own_mail_is_kept_whatever_the_user_has_chosen(kind: MailKind) -> None:
    assert ways(Arrival(choice="none"), ANSWERS, kind) == ["in_reply_to"]
    assert ways(Arrival(choice="none"), NOTHING, kind) == []


@pytest.mark.parametrize(
    ("arrival", "way"),
    [
        (Arrival(by_hand=True, choice="none"), "hand"),
        (Arrival(folder="Deals", choice="none"), "folder"),
        (Arrival(category="Follow up", choice="none"), "category"),
        (Arrival(is_queue=True), "queue"),
    ],
)
def test_a_persons_own_act_and_a_queue_track_every_mail(arrival: Arrival, way: str) -> None:
    assert ways(arrival) == [way]
    assert ways(arrival, ANSWERS) == [way, "in_reply_to"]


def test_all_ways_are_named_in_words() -> None:
    because = decide_tracking(MailKind.REPLY, ANSWERS, Arrival(folder="Deals"), False).because
    assert because == "It lies in the folder Deals, whose mail is tracked. Its In-Reply-To names that mail."


def test_a_mail_that_is_not_kept_is_told_why() -> None:
    because = decide_tracking(MailKind.REPLY, NOTHING, Arrival(choice="none"), False).because
    assert because == "Nothing in it leads to a message. Its user has no mail kept."


@pytest.mark.parametrize("kind", [MailKind.REPLY, MailKind.CALENDAR_ANSWER, MailKind.READ_RECEIPT])
def test_what_a_stranger_sends_is_a_forward_not_an_answer(kind: MailKind) -> None:
    stranger = Correlation(3, "in_reply_to", 0.49, SENT, None, "", SENT, "stranger")
    assert kind_of(kind, stranger) is MailKind.FORWARD
    assert kind_of(kind, ANSWERS) is kind


OPPORTUNITY, ACCOUNT, OTHER = (
    Regarding(type="opportunity", id="o1"),
    Regarding(type="account", id="a1"),
    Regarding(type="case", id="k1"),
)
FAMILIES = Families({"opportunity|o1": StoredRecord(type="opportunity", id="o1", parent=ACCOUNT), "account|a1": None})


@pytest.mark.parametrize(
    ("placed", "answered", "wins"),
    [
        (ACCOUNT, OPPORTUNITY, OPPORTUNITY),
        (OPPORTUNITY, ACCOUNT, OPPORTUNITY),
        (OTHER, OPPORTUNITY, OTHER),
        (None, OPPORTUNITY, OPPORTUNITY),
        (ACCOUNT, None, ACCOUNT),
        (None, None, None),
    ],
)
def test_the_more_specific_record_wins_and_else_the_folders(
    placed: Regarding | None, answered: Regarding | None, wins: Regarding | None
) -> None:
    assert more_specific(placed, answered, FAMILIES) == wins
