"""What follows from mail that came back: who has got the message, unknown addresses, complaints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from lib.ids import new_id
from lib.inbound.answers import MailAnswer, evidence_of_answer, fact_of_answer
from lib.inbound.classification import FailedRecipient
from lib.storage import Unavailable
from lib.storage.memory import memory_storage
from lib.tracking.answer_details import AnswerDetails
from lib.tracking.facts import AnswerKind
from lib.transports import Accepted, Envelope, Outcome, RecipientRefusal, Unknown
from lib.transports.memory import MemoryTransport
from tests.support.answering import answered
from tests.support.cards import cards
from tests.support.failing import Failure, When, failing_storage
from tests.support.heed import Heed

TO = ["ada@example.com", "bob@example.com", "cy@example.com"]
SILENCE = Unknown("no answer")


def unknown(email: str, hard: bool = True) -> FailedRecipient:
    return FailedRecipient(email, hard, "5.1.1" if hard else "4.4.1", "no such user" if hard else "timed out")


async def heed_with(*outcomes: Any, to: Sequence[str] = TO, **settings: Any) -> tuple[Heed, str]:
    """Heed with a message that the outbox has looked at once."""
    heed = await Heed(transport=MemoryTransport(*outcomes)).start(**settings)
    message = await heed.draft(to=[{"email": email} for email in to])
    await heed.post(f"/messages/{message}/send")
    await send(heed, message)
    heed.clock.move(minutes=10)
    return heed, message


async def send(heed: Heed, message: str) -> None:
    """Let the outbox look once. Its own wakes would come for ever, since the clock stands still."""
    await heed.services.outbox.deliver("acme", message)
    await heed.services.assessor.refresh("acme", message)
    await heed.work("interactions")


async def comes_back(
    heed: Heed,
    message: str,
    kind: AnswerKind,
    recipient: int | None = None,
    *failures: FailedRecipient,
    mail: str | None = None,
) -> MailAnswer:
    """Take a mail in as far as its consequences and its fact go."""
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    answer = MailAnswer(mail or new_id(), kind, heed.clock.now(), recipient, failures)
    await heed.services.consequences.bring_about("acme", loaded.message, answer)
    await heed.services.assessor.assess_facts("acme", [fact_of_answer(loaded.message, answer)])
    await heed.work("interactions")
    return answer


async def delivery(heed: Heed, message: str) -> list[str]:
    items = (await heed.get(f"/messages/{message}/recipients"))["items"]
    return [each["delivery"]["state"] for each in items]


async def read(heed: Heed, message: str) -> tuple[str, str]:
    found = await heed.get(f"/messages/{message}")
    return found["status"], found["status_text"]


async def test_a_bounce_names_the_recipient_in_deliveries_status_and_card() -> None:
    heed, message = await heed_with()

    await comes_back(heed, message, "bounce", None, unknown("BOB@example.com"))

    assert await delivery(heed, message) == ["accepted", "bounced", "accepted"]
    assert await read(heed, message) == ("sent", "Could not be delivered to 1 of 3")
    items = (await heed.get(f"/messages/{message}/recipients"))["items"]
    assert (items[1]["delivery"]["code"], items[1]["delivery"]["text"]) == ("5.1.1", "no such user")
    [card] = await cards(heed)
    assert card["text"] == "“Hello” came back. bob@example.com (5.1.1): no such user."


@pytest.mark.parametrize(
    ("email", "others"),
    [
        ("b@bücher.example", ()),
        ("inside@mx.example", ("B@xn--BCHER-kva.example",)),
        ("b+2Bx@example.com", ("b@bücher.example",)),
    ],
)
async def test_a_recipient_is_found_by_any_spelling_that_the_bounce_has(email: str, others: tuple[str, ...]) -> None:
    heed, message = await heed_with(to=["ada@example.com", "b@bücher.example"])

    await comes_back(heed, message, "bounce", None, replace(unknown(email), others=others))

    assert await delivery(heed, message) == ["accepted", "bounced"]


async def test_a_bounce_for_hundreds_compares_each_address_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    heed, message = await heed_with(to=[f"a{number}@example.com" for number in range(100)])
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    compared: list[str] = []

    def same_mailbox(email: str) -> str:
        compared.append(email)
        return email

    monkeypatch.setattr("lib.inbound.answers.same_mailbox", same_mailbox)
    failures = [unknown(f"a{number}@example.com") for number in range(100)]
    answer = MailAnswer(new_id(), "bounce", heed.clock.now(), None, failures)

    assert len(evidence_of_answer(loaded.message, answer).failed) == 100
    assert len(compared) <= 10 * 100


async def test_the_list_shows_what_the_message_shows() -> None:
    heed, message = await heed_with()

    await comes_back(heed, message, "bounce", None, unknown(TO[1]))

    [listed] = (await heed.get("/messages?view=all"))["items"]
    assert listed["id"] == message
    assert listed["status_text"] == "Could not be delivered to 1 of 3"


async def test_a_mail_that_came_back_from_all_was_sent_all_the_same() -> None:
    heed, message = await heed_with(to=["ada@example.com"])

    await comes_back(heed, message, "bounce", None, unknown("ada@example.com"))

    assert await read(heed, message) == ("sent", "Could not be delivered")
    assert (await heed.get(f"/messages/{message}"))["failure"]["text"] == "no such user"


async def test_who_answered_is_told_before_who_did_not_get_it() -> None:
    heed, message = await heed_with()

    await comes_back(heed, message, "bounce", None, unknown(TO[1]))
    await comes_back(heed, message, "reply", 0)

    assert (await read(heed, message))[1] == "Answered today; could not be delivered to 1 of 3"


async def test_a_delay_leaves_the_delivery_and_is_shown_in_the_timeline() -> None:
    heed, message = await heed_with()

    await comes_back(heed, message, "bounce", None, unknown(TO[1], hard=False))

    assert await delivery(heed, message) == ["accepted"] * 3
    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert (event["kind"], event["recipient"]) == ("bounce", TO[1])
    assert event["answer"] == {"back_at": None, "failed": [], "delayed": [TO[1]], "code": "4.4.1"}


async def test_the_same_bounce_twice_changes_nothing_more() -> None:
    heed, message = await heed_with()
    mail = new_id()
    await comes_back(heed, message, "bounce", None, unknown(TO[1]), mail=mail)
    before = await heed.services.messages.load("acme", message)

    await comes_back(heed, message, "bounce", None, unknown(TO[1]), mail=mail)

    after = await heed.services.messages.load("acme", message)
    assert before
    assert after
    assert (before.etag, before.copies) == (after.etag, after.copies)
    assert len(await cards(heed)) == 1


async def test_a_bounced_recipient_can_be_sent_to_again_and_the_old_bounce_is_no_news() -> None:
    heed, message = await heed_with()
    await comes_back(heed, message, "bounce", None, unknown(TO[1]))

    await heed.post(f"/messages/{message}/send")
    await send(heed, message)

    assert await delivery(heed, message) == ["accepted"] * 3
    assert isinstance(heed.transport, MemoryTransport)
    assert heed.transport.sent[-1].recipients == (TO[1],)


async def test_an_alias_that_bounced_is_the_only_recipient() -> None:
    heed, message = await heed_with(to=["ada@example.com"])

    await comes_back(heed, message, "bounce", None, unknown("behind@elsewhere.example"))

    assert await delivery(heed, message) == ["bounced"]


async def test_an_alias_among_several_recipients_changes_no_delivery() -> None:
    heed, message = await heed_with()

    await comes_back(heed, message, "bounce", None, unknown("behind@elsewhere.example"))

    assert await delivery(heed, message) == ["accepted"] * 3


@pytest.mark.parametrize("kind", ["reply", "auto_reply", "read_receipt"])
async def test_an_uncertain_mail_was_sent_when_its_recipient_answers(kind: AnswerKind) -> None:
    heed, message = await heed_with(SILENCE, to=["ada@example.com"])
    doubt = await read(heed, message)

    await comes_back(heed, message, kind, 0)

    assert doubt[0] == "uncertain"
    assert (await read(heed, message))[0] == "sent"
    assert await delivery(heed, message) == ["accepted"]
    assert "send_uncertain" not in [card["kind"] for card in await cards(heed)]


async def test_an_answer_settles_the_doubt_about_its_writer_alone() -> None:
    heed, message = await heed_with(SILENCE)

    await comes_back(heed, message, "reply", 1)

    assert await delivery(heed, message) == ["uncertain", "accepted", "uncertain"]
    assert (await read(heed, message))[0] == "uncertain"


async def test_a_bounce_settles_a_doubt() -> None:
    heed, message = await heed_with(SILENCE, to=["ada@example.com"])

    await comes_back(heed, message, "bounce", None, unknown("ada@example.com"))

    assert await read(heed, message) == ("sent", "Could not be delivered")
    assert (await heed.get(f"/messages/{message}"))["sent_at"] is not None


async def test_a_recipient_who_is_still_tried_is_left_to_the_outbox() -> None:
    later = RecipientRefusal(TO[1], "451", "greylisted", temporary=True)
    heed, message = await heed_with(Accepted(refused=(later,)))

    await comes_back(heed, message, "bounce", None, unknown(TO[0]), unknown(TO[1]))
    between = await delivery(heed, message)
    await send(heed, message)

    assert between == ["bounced", "pending", "accepted"]
    assert await delivery(heed, message) == ["bounced", "accepted", "accepted"]


class AnswersBeforeItEnds(MemoryTransport):
    """The recipient's answer comes while the mail server still has not said that it took the mail."""

    heed: Heed
    message: str

    async def send(self, envelope: Envelope) -> Outcome:
        outcome = await super().send(envelope)
        await comes_back(self.heed, self.message, "reply", 0)
        return outcome


async def test_an_answer_that_comes_while_the_mail_is_being_sent_waits_for_the_outbox() -> None:
    transport = AnswersBeforeItEnds(SILENCE)
    heed = await Heed(transport=transport).start()
    message = await heed.draft()
    transport.heed, transport.message = heed, message

    await heed.post(f"/messages/{message}/send")
    await send(heed, message)

    assert len(transport.sent) == 1
    assert (await read(heed, message))[0] == "sent"
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1


async def test_the_facts_alone_bring_the_deliveries_about_where_the_taker_died() -> None:
    heed, message = await heed_with()

    await answered(heed, message, "bounce", 1, AnswerDetails(failed=(1,), code="5.1.1"))

    assert await delivery(heed, message) == ["accepted", "bounced", "accepted"]


async def test_a_mail_that_the_crm_sent_bounces_too() -> None:
    heed = await Heed().start()
    message = await heed.draft(to=[{"email": email} for email in TO])
    await heed.post(f"/messages/{message}/prepare")
    await heed.post(
        f"/messages/{message}/sent", {"message_id": "<crm@acme.example>", "sent_at": "2026-05-04T09:30:00Z"}
    )
    heed.clock.move(minutes=5)

    await comes_back(heed, message, "bounce", None, unknown(TO[2]))

    assert await delivery(heed, message) == ["accepted", "accepted", "bounced"]
    assert await read(heed, message) == ("sent", "Could not be delivered to 1 of 3")
    again = await heed.api("POST", f"/messages/{message}/send")
    assert again.status == 409


async def test_a_draft_warns_of_an_address_from_which_mail_came_back_until_it_answers() -> None:
    heed, message = await heed_with(to=["ada@example.com"])
    to = [{"email": "ada@example.com"}]

    await comes_back(heed, message, "bounce", None, unknown("ada@example.com"))
    warned = [each["code"] for each in (await heed.get(f"/messages/{await heed.draft(to=to)}"))["check"]]
    await heed.sent(to=to)
    taken = [each["code"] for each in (await heed.get(f"/messages/{await heed.draft(to=to)}"))["check"]]
    await comes_back(heed, message, "reply", 0)
    answered_since = [each["code"] for each in (await heed.get(f"/messages/{await heed.draft(to=to)}"))["check"]]

    assert "bounced_before" in warned
    assert "bounced_before" in taken
    assert "bounced_before" not in answered_since


async def test_a_delay_warns_of_nothing() -> None:
    heed, message = await heed_with(to=["ada@example.com"])

    await comes_back(heed, message, "bounce", None, unknown("ada@example.com", hard=False))

    draft = await heed.draft(to=[{"email": "ada@example.com"}])
    assert "bounced_before" not in [each["code"] for each in (await heed.get(f"/messages/{draft}"))["check"]]


async def test_a_complaint_ends_following_with_its_source_once() -> None:
    heed, message = await heed_with(to=["ada@example.com"])
    draft = await heed.draft()
    followed = (await heed.get(f"/messages/{draft}"))["follow_state"]["state"]
    mail = new_id()

    for _ in range(2):
        await comes_back(heed, message, "complaint", 0, mail=mail)

    history = await heed.get("/consents/ada@example.com")
    assert (history["follow"], len(history["history"])) == ("do_not_allow", 1)
    assert history["history"][0]["source"] == f"complaint {mail}"
    assert (followed, (await heed.get(f"/messages/{draft}"))["follow_state"]["state"]) == ("on", "blocked")
    assert [card["kind"] for card in await cards(heed)] == ["complaint"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_mail_that_is_taken_in_again_after_any_failure_of_storage_ends_right(when: When) -> None:
    number = 0
    while True:
        number += 1
        failure = Failure()
        heed = await Heed(storage=failing_storage(memory_storage(), failure)).start()
        message = await heed.draft(to=[{"email": email} for email in TO])
        await heed.post(f"/messages/{message}/send")
        await heed.services.outbox.deliver("acme", message)
        loaded = await heed.services.messages.load("acme", message)
        assert loaded
        answer = MailAnswer(new_id(), "bounce", heed.clock.now(), None, [unknown(TO[1])])

        failed = False
        failure.arm(number, when)
        try:
            await heed.services.consequences.bring_about("acme", loaded.message, answer)
        except Unavailable:
            failed = True
            failure.arm(0, when)
            await heed.services.consequences.bring_about("acme", loaded.message, answer)
        failure.arm(0, when)

        assert await delivery(heed, message) == ["accepted", "bounced", "accepted"]
        assert await heed.services.bounces.find_bounced("acme", TO) == [TO[1]]
        if not failed:
            break
