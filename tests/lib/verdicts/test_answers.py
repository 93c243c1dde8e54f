"""Mail that came back: it is certain, it counts as what it is, and it is a witness for the hits before it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lib.ids import new_id
from lib.tracking.facts import AnswerKind, Fact, NotAFact, answer_fact
from lib.tracking.requests import new_fact
from tests.support.heed import CHROME, Heed

APPLE = {"user-agent": "Mozilla/5.0", "x-forwarded-for": "17.58.1.1"}


async def hit(heed: Heed, message: str, headers: dict[str, str] | None = None) -> None:
    fact = new_fact(
        "open",
        message,
        heed.clock.now(),
        "GET",
        headers or {"user-agent": CHROME, "x-forwarded-for": "93.184.216.34"},
        recipient=0,
        trusted_hops=1,
        networks=heed.services.catalogues.networks,
    )
    await heed.services.assessor.assess_facts("acme", [fact])


async def answer(heed: Heed, message: str, kind: AnswerKind, recipient: int | None = 0) -> Fact:
    fact = answer_fact(kind, message, heed.clock.now(), new_id(), recipient)
    await heed.services.assessor.assess_facts("acme", [fact])
    return fact


async def test_a_reply_is_counted_told_and_shown_with_the_mail_that_it_is() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    heed.clock.move(hours=2)

    fact = await answer(heed, message, "reply")

    read = await heed.get(f"/messages/{message}")
    assert read["kpis"]["replies"] == 1
    assert read["kpis"]["last_replied_at"] is not None
    assert read["status_text"] == "Answered today"
    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert (event["kind"], event["mail"], event["recipient"]) == ("reply", fact.mail, "ada@example.com")
    assert event["verdict"]["class"] == "human"


async def test_the_same_mail_twice_is_one_reply() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    fact = answer_fact("reply", message, heed.clock.now(), new_id(), 0)

    for _ in range(2):
        await heed.services.assessor.assess_facts("acme", [fact])

    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1


@pytest.mark.parametrize(
    ("kind", "verdict", "counts"),
    [
        ("calendar_answer", "human", {"replies": 1, "opens": 0}),
        ("read_receipt", "human", {"replies": 0, "opens": 1}),
        ("forward", "human", {"replies": 0, "opens": 0}),
        ("complaint", "human", {"replies": 0, "opens": 0}),
        ("auto_reply", "machine", {"replies": 0, "opens": 0}),
        ("bounce", "machine", {"replies": 0, "opens": 0}),
    ],
)
async def test_each_kind_of_mail_counts_as_what_it_is(kind: AnswerKind, verdict: str, counts: dict[str, Any]) -> None:
    heed = await Heed().start()
    message = await heed.sent()

    await answer(heed, message, kind)

    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    assert {name: kpis[name] for name in counts} == counts
    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert (event["kind"], event["verdict"]["class"]) == (kind, verdict)


async def test_an_open_that_only_apple_could_have_made_is_a_persons_once_they_answer() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    heed.clock.move(minutes=40)
    await hit(heed, message, APPLE)
    before = (await heed.get(f"/messages/{message}"))["kpis"]
    heed.clock.move(minutes=10)

    await answer(heed, message, "reply")

    after = (await heed.get(f"/messages/{message}"))["kpis"]
    assert (before["opens"], before["raw"]["opens"]) == (0, 1)
    assert after["opens"] == 1
    opened = (await heed.get(f"/messages/{message}/timeline"))["items"][-1]
    assert "replied-after" in [reason["code"] for reason in opened["verdict"]["reasons"]]


async def test_an_answer_says_nothing_of_hits_after_it_or_of_another_recipients() -> None:
    heed = await Heed().start()
    message = await heed.sent(to=[{"email": "ada@example.com"}, {"email": "bob@example.com"}])
    heed.clock.move(minutes=40)
    await answer(heed, message, "reply", recipient=1)
    heed.clock.move(minutes=10)
    await hit(heed, message, APPLE)
    await answer(heed, message, "reply", recipient=1)

    [opened] = [each for each in (await heed.get(f"/messages/{message}/timeline"))["items"] if each["kind"] == "open"]
    assert "replied-after" not in [reason["code"] for reason in opened["verdict"]["reasons"]]


async def test_a_scanner_stays_a_scanner_when_the_recipient_answers() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    await hit(heed, message, {"user-agent": "python-requests/2.32", "x-forwarded-for": "93.184.216.34"})
    heed.clock.move(hours=1)

    await answer(heed, message, "reply")

    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    assert (kpis["opens"], kpis["machine"]["opens"], kpis["replies"]) == (0, 1, 1)


async def test_a_reminder_of_no_reply_ends_with_an_answer() -> None:
    heed = await Heed().start()
    at = heed.clock.now() + timedelta(days=2)
    message = await heed.sent(reminder={"title": "Call", "condition": "no_reply", "at": at.isoformat()})
    await answer(heed, message, "reply")
    ended = (await heed.get(f"/messages/{message}"))["reminder"]
    waiting = (await heed.get("/reminders", x_heed_user="rep1"))["items"]
    heed.clock.move(days=2, minutes=1)

    await heed.services.reminders.sweep()
    await heed.work()

    assert (ended["state"], ended["status_text"]) == ("met", "No reminder needed: it was answered")
    assert waiting == []
    assert [each["kind"] for each in (await heed.get("/cards?status=open", x_heed_user="rep1"))["items"]] == ["reply"]
    assert (await heed.get(f"/messages/{message}"))["reminder"]["status_text"] == ended["status_text"]


def test_a_fact_of_a_mail_survives_its_json_and_a_broken_one_does_not() -> None:
    fact = answer_fact("bounce", new_id(), Heed().clock.now(), new_id(), None)

    assert Fact.from_json(fact.to_json()) == fact
    with pytest.raises(NotAFact):
        Fact.from_json(fact.to_json().replace(str(fact.mail), "../x"))
