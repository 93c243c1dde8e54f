"""What became of a mail for each recipient: who has it, who is tried again, who was refused, and who is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lib.assessment.summary import Summary
from lib.clock import milliseconds
from lib.organizations.idempotency import Idempotency
from lib.transports import Accepted, Again, Outcome, RecipientRefusal, Refused, Unknown
from lib.transports.memory import MemoryTransport
from tests.support.heed import Heed

ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
BOB_LATER = RecipientRefusal(BOB, "451", "The mail server answered 451: 4.7.1 greylisted", temporary=True)
BOB_NEVER = RecipientRefusal(BOB, "550", "The mail server answered 550: 5.1.1 no such user", temporary=False)


async def sent_to(*to: str, outcomes: list[Outcome], **fields: Any) -> tuple[Heed, MemoryTransport, str]:
    transport = MemoryTransport(*outcomes)
    heed = await Heed(transport=transport).start()
    message = await heed.draft(to=[{"email": each, "name": each.partition("@")[0].title()} for each in to], **fields)
    await heed.post(f"/messages/{message}/send")
    await deliver(heed, message)
    return heed, transport, message


async def deliver(heed: Heed, message: str) -> None:
    if await heed.services.outbox.deliver("acme", message):
        await heed.services.assessor.refresh("acme", message)


async def delivery(heed: Heed, message: str) -> dict[str, str]:
    items = (await heed.get(f"/messages/{message}/recipients"))["items"]
    return {each["email"]: each["delivery"]["state"] for each in items}


async def cards(heed: Heed) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await heed.get("/cards?status=open", x_heed_user="rep1"))["items"]
    return items


async def test_who_was_refused_for_now_gets_it_later_and_nobody_else_gets_it_again() -> None:
    heed, transport, message = await sent_to(ADA, BOB, outcomes=[Accepted(refused=(BOB_LATER,))])

    assert await delivery(heed, message) == {ADA: "accepted", BOB: "pending"}
    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["status_text"]) == ("sent", "Not yet opened (of 2 recipients, 1 still waiting)")
    items = (await heed.get(f"/messages/{message}/recipients"))["items"]
    assert items[1]["delivery"] == {
        "state": "pending",
        "code": "451",
        "text": "The mail server answered 451: 4.7.1 greylisted",
        "at": "2026-05-04T09:30:00.000Z",
    }

    heed.clock.move(minutes=1)
    await deliver(heed, message)

    assert await delivery(heed, message) == {ADA: "accepted", BOB: "accepted"}
    assert [envelope.recipients for envelope in transport.sent] == [(ADA, BOB), (BOB,)]
    assert len({envelope.message_id for envelope in transport.sent}) == 1
    assert (await heed.get(f"/messages/{message}"))["status_text"] == "Not yet opened"
    assert await cards(heed) == []


async def test_who_is_refused_for_now_for_a_day_is_refused_and_a_card_says_so() -> None:
    outcomes: list[Outcome] = [Accepted(refused=(BOB_LATER,)), *[Refused(True, "451", BOB_LATER.text)] * 40]
    heed, transport, message = await sent_to(ADA, BOB, outcomes=outcomes)

    for _ in range(24):
        heed.clock.move(hours=1)
        await deliver(heed, message)
    tries = len(transport.sent)
    heed.clock.move(hours=24)
    await deliver(heed, message)

    assert await delivery(heed, message) == {ADA: "accepted", BOB: "refused"}
    assert len(transport.sent) == tries
    [card] = await cards(heed)
    assert card["title"] == "Your mail did not reach 1 of 2 recipients"
    assert "Bob: The mail server answered 451: 4.7.1 greylisted." in card["text"]


async def test_a_card_names_who_was_refused_with_code_and_reason() -> None:
    heed, transport, message = await sent_to(ADA, BOB, CY, outcomes=[Accepted(refused=(BOB_NEVER,))])

    assert await delivery(heed, message) == {ADA: "accepted", BOB: "refused", CY: "accepted"}
    [card] = await cards(heed)
    assert (card["kind"], card["recipient"]["email"]) == ("send_failed", BOB)
    assert card["text"] == "“Hello” was refused. Bob: The mail server answered 550: 5.1.1 no such user."
    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["status_text"]) == ("sent", "Not yet opened (of 3 recipients, 1 refused)")
    assert len(transport.sent) == 1


async def test_one_more_who_is_refused_is_told_anew() -> None:
    first = Accepted(refused=(BOB_NEVER, RecipientRefusal(CY, "451", "later", temporary=True)))
    heed, _, message = await sent_to(ADA, BOB, CY, outcomes=[first, Refused(False, "550", "no")])
    assert [card["title"] for card in await cards(heed)] == ["Your mail did not reach 1 of 3 recipients"]

    heed.clock.move(minutes=1)
    await deliver(heed, message)

    assert [card["title"] for card in await cards(heed)] == ["Your mail did not reach 2 of 3 recipients"]


async def test_sending_a_partly_refused_mail_again_reaches_those_who_have_not_got_it() -> None:
    heed, transport, message = await sent_to(ADA, BOB, CY, outcomes=[Accepted(refused=(BOB_NEVER,))])

    heed.clock.move(hours=1)
    answer = await heed.api("POST", f"/messages/{message}/send")
    assert (answer.status, answer.json["status"]) == (202, "sent")
    await deliver(heed, message)

    assert [envelope.recipients for envelope in transport.sent] == [(ADA, BOB, CY), (BOB,)]
    assert transport.sent[1].key != transport.sent[0].key
    assert await delivery(heed, message) == {ADA: "accepted", BOB: "accepted", CY: "accepted"}
    assert await cards(heed) == []
    assert (await heed.api("POST", f"/messages/{message}/send")).status == 409


async def test_the_judge_knows_when_each_recipient_s_mail_left_whoever_is_tried_again() -> None:
    heed, _, message = await sent_to(ADA, BOB, outcomes=[Accepted(refused=(BOB_LATER,))])
    first = milliseconds(heed.clock.now())
    heed.clock.move(minutes=1)
    await deliver(heed, message)

    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    sending = await heed.services.context_loader.load_context("acme", loaded, Summary(), [])

    assert [sending.dispatched_to(number) for number in (0, 1, None)] == [first, first + 60_000, first]


async def test_the_judge_keeps_when_a_mail_left_that_is_sent_again_to_others() -> None:
    heed, _, message = await sent_to(ADA, BOB, outcomes=[Accepted(refused=(BOB_NEVER,))])
    first = milliseconds(heed.clock.now())
    heed.clock.move(hours=1)
    await heed.post(f"/messages/{message}/send")

    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    sending = await heed.services.context_loader.load_context("acme", loaded, Summary(), [])

    assert sending.dispatched_to(0) == first


async def test_a_mail_that_everybody_has_keeps_the_time_at_which_it_was_first_accepted() -> None:
    heed, _, message = await sent_to(ADA, BOB, outcomes=[Accepted(refused=(BOB_LATER,))])

    heed.clock.move(minutes=1)
    await deliver(heed, message)

    assert (await heed.get(f"/messages/{message}"))["sent_at"] == "2026-05-04T09:30:00.000Z"


async def test_of_a_mail_handed_over_in_parts_some_may_be_known_and_others_in_doubt() -> None:
    heed, transport, message = await sent_to(ADA, BOB, CY, outcomes=[Accepted(unknown=(BOB,))])

    assert await delivery(heed, message) == {ADA: "accepted", BOB: "uncertain", CY: "accepted"}
    assert (await heed.get(f"/messages/{message}"))["status"] == "uncertain"

    await heed.post(f"/messages/{message}/resolve", {"as": "resend"})
    await deliver(heed, message)

    assert [envelope.recipients for envelope in transport.sent] == [(ADA, BOB, CY), (BOB,)]
    assert await delivery(heed, message) == {ADA: "accepted", BOB: "accepted", CY: "accepted"}


async def test_while_nobody_knows_of_some_the_refused_ones_are_known() -> None:
    heed, transport, message = await sent_to(ADA, BOB, outcomes=[Unknown("no answer", refused=(BOB_LATER,))])
    assert await delivery(heed, message) == {ADA: "uncertain", BOB: "pending"}

    heed.clock.move(minutes=1)
    await deliver(heed, message)

    assert await delivery(heed, message) == {ADA: "uncertain", BOB: "accepted"}
    assert [envelope.recipients for envelope in transport.sent] == [(ADA, BOB), (BOB,)]


async def test_nobody_got_a_draft_or_a_mail_that_waits_for_its_time(heed: Heed) -> None:
    message = await heed.draft(deliver_at="2026-05-05T09:00:00Z")
    assert await delivery(heed, message) == {ADA: "waiting"}

    await heed.post(f"/messages/{message}/send")

    assert await delivery(heed, message) == {ADA: "waiting"}


async def test_a_mail_that_the_crm_has_sent_was_accepted_when_the_crm_says_so(heed: Heed) -> None:
    message = await heed.draft()
    await heed.post(f"/messages/{message}/prepare")
    await heed.post(f"/messages/{message}/sent", {"sent_at": "2026-05-04T09:00:00Z"})

    [ada] = (await heed.get(f"/messages/{message}/recipients"))["items"]
    assert ada["delivery"] == {"state": "accepted", "code": None, "text": None, "at": "2026-05-04T09:00:00.000Z"}


async def test_a_failed_mail_can_be_mended_and_sent() -> None:
    heed, transport, message = await sent_to("adda@example.com", outcomes=[Refused(False, "550", "no such user")])
    [card] = await cards(heed)
    assert card["title"] == "Your mail was not sent"

    patched = await heed.api("PATCH", f"/messages/{message}", {"to": [{"email": ADA}]})
    assert (patched.status, patched.json["status"]) == (200, "failed")
    assert await delivery(heed, message) == {ADA: "waiting"}
    heed.clock.move(minutes=1)
    await heed.post(f"/messages/{message}/send")
    await deliver(heed, message)

    assert [envelope.recipients for envelope in transport.sent] == [("adda@example.com",), (ADA,)]
    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"
    assert await cards(heed) == []


async def test_a_failed_mail_can_be_given_another_time_and_deleted() -> None:
    heed, _, message = await sent_to(ADA, outcomes=[Refused(False, "550", "no such user")])

    moved = await heed.put(f"/messages/{message}/schedule", {"deliver_at": "2026-05-05T09:00:00Z"})
    assert moved["status"] == "failed"
    assert (await heed.post(f"/messages/{message}/send"))["status"] == "scheduled"
    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200


async def test_a_failed_mail_that_was_moved_to_another_domain_is_not_sent_from_there() -> None:
    heed, transport, message = await sent_to(ADA, outcomes=[Refused(True, "451", "later")])
    organization = {"name": "acme", "settings": {"from_domain_allow": ["elsewhere.example"]}}
    await heed.request("PUT", "/api/orgs/acme", organization, key="admin-key-of-tests")

    heed.clock.move(minutes=2)
    await deliver(heed, message)

    read = await heed.get(f"/messages/{message}")
    assert (read["status"], len(transport.sent)) == ("failed", 1)
    assert "from_domain_allow" in read["failure"]["text"]


async def send_and_die_before_the_answer(heed: Heed, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is carried out; the client hears nothing of it, and may come again by then."""

    async def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Idempotency, "complete", dies)
        with pytest.raises(KeyboardInterrupt):
            await heed.api("POST", f"/messages/{message}/send", idempotency_key="once")
    await heed.work()
    heed.clock.move(minutes=2)


async def test_an_order_that_comes_again_after_its_mail_has_left_is_answered_as_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heed = await Heed().start()
    message = await heed.draft()

    await send_and_die_before_the_answer(heed, message, monkeypatch)

    answer = await heed.api("POST", f"/messages/{message}/send", idempotency_key="once")
    assert (answer.status, answer.json["status"]) == (202, "sent")
    assert (await heed.api("POST", f"/messages/{message}/send", idempotency_key="another")).status == 409
    assert isinstance(heed.transport, MemoryTransport)
    assert len(heed.transport.sent) == 1


async def test_a_failed_mail_is_not_sent_again_by_the_order_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    heed = await Heed(transport=MemoryTransport(Refused(False, "550", "no"))).start()
    message = await heed.draft()

    await send_and_die_before_the_answer(heed, message, monkeypatch)

    answer = await heed.api("POST", f"/messages/{message}/send", idempotency_key="once")
    assert (answer.status, answer.json["status"]) == (202, "failed")


async def test_nobody_knows_of_one_and_another_is_still_tried() -> None:
    first = Accepted(refused=(BOB_LATER,), unknown=(CY,))
    heed, transport, message = await sent_to(ADA, BOB, CY, outcomes=[first, Unknown("no answer")])
    assert await delivery(heed, message) == {ADA: "accepted", BOB: "pending", CY: "uncertain"}

    heed.clock.move(minutes=1)
    await deliver(heed, message)

    assert await delivery(heed, message) == {ADA: "accepted", BOB: "uncertain", CY: "uncertain"}
    assert [envelope.recipients for envelope in transport.sent] == [(ADA, BOB, CY), (BOB,)]


@pytest.mark.parametrize("answer", [Accepted(), Refused(False, "550", "no"), Again()])
async def test_what_is_found_out_about_a_later_try_says_nothing_of_a_doubt_before_it(answer: Outcome | Again) -> None:
    first = Accepted(refused=(BOB_LATER,), unknown=(CY,))
    second = Unknown("no answer", ask_again=timedelta(minutes=1))
    heed, transport, message = await sent_to(ADA, BOB, CY, outcomes=[first, second])
    transport.doubts = [second, answer]
    for _ in range(3):
        heed.clock.move(minutes=1)
        await deliver(heed, message)

    assert [envelope.recipients for envelope in transport.doubted] == [(BOB,), (BOB,)]
    assert all(CY not in envelope.recipients for envelope in transport.sent[1:])
    assert (await delivery(heed, message))[CY] == "uncertain"
