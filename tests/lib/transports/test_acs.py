"""Azure Communication Services Email: however a submission ends, one mail goes out, and the message says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from infra.local.child import free_port
from lib.clock import SetClock
from lib.transports import Accepted, Envelope, Paced, Refused, Underway, Unknown
from lib.transports.acs import WINDOW, AcsTransport
from lib.transports.acs_resource import AcsResource
from tests.support.heed import START, Heed
from tests.support.provider_servers.acs import KEY, SUPPRESSED, AcsServer
from tests.support.provider_servers.credentials import Credential
from tests.support.provider_servers.faults import Answer, Cut, Death, Fault, Half, serving
from tests.support.provider_servers.posting import Posting
from tests.support.provider_servers.small_outbox import SmallOutbox, envelope_for

THROTTLED = Answer(429, "TooManyRequests", "Slow down", {"Retry-After": "600"})
OOPS = Answer(500, "InternalServerError", "Oops")


@dataclass(slots=True)
class Office:
    """A resource of Communication Services, and what sends through it."""

    server: AcsServer
    clock: SetClock
    address: str
    transport: AcsTransport

    def make(self, **parts: Any) -> AcsTransport:
        return AcsTransport(AcsResource(self.address, KEY), self.clock, looks=(0,), **parts)

    def mail(self, **parts: Any) -> SmallOutbox:
        return SmallOutbox(self.clock, self.server, self.make, envelope_for(**parts))

    def again(self, **parts: Any) -> Envelope:
        return envelope_for(tried_at=self.clock.now(), **parts)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    clock = SetClock(START)
    server = AcsServer(clock)
    async with serving(server.app) as address:
        transport = AcsTransport(AcsResource(address, KEY), clock, looks=(0,))
        yield Office(server, clock, address, transport)
        await transport.close()


async def test_a_message_goes_out_with_all_that_it_says(office: Office) -> None:
    heed = await Heed(clock=office.clock, transport=office.transport).start()
    message = await heed.draft(
        subject="Grüße",
        cc=[{"email": "bob@example.com"}, {"email": "ada@example.com"}],
        bcc=[{"email": "eve@example.com", "name": "Eve"}],
    )
    await heed.post(f"/messages/{message}/send")

    stored = await Posting(heed, message).deliver()

    [mail] = office.server.sent
    assert mail["senderAddress"] == "rep@acme.example"
    assert mail["recipients"] == {
        "to": [{"address": "ada@example.com", "displayName": "Ada"}],
        "cc": [{"address": "bob@example.com"}],
        "bcc": [{"address": "eve@example.com", "displayName": "Eve"}],
    }
    assert mail["content"]["subject"] == "Grüße"
    assert "https://heed.test/c/" in mail["content"]["html"]
    assert "offer" in mail["content"]["plainText"]
    assert mail["headers"].keys() == {"Message-ID", "Thread-Index"}
    assert mail["headers"]["Message-ID"] == stored.message_id
    assert mail["userEngagementTrackingDisabled"] is True
    assert (stored.state, stored.known_ids) == ("sent", list(office.server.operations))


async def test_an_answer_has_the_headers_of_its_thread_and_the_address_for_replies(office: Office) -> None:
    heed = await Heed(clock=office.clock, transport=office.transport).start(inbound={"reply_domain": "in.acme.example"})
    first = await heed.draft()
    await heed.post(f"/messages/{first}/send")
    sent = await Posting(heed, first).deliver()
    message = await heed.post("/messages", {"from": "rep1", "text": "And?", "in_reply_to": first})
    await heed.post(f"/messages/{message['id']}/send")

    await Posting(heed, message["id"]).deliver()

    mail = office.server.sent[-1]
    own, ours = mail["replyTo"]
    assert own == {"address": "rep@acme.example", "displayName": "Rita Rep"}
    assert ours["address"].endswith("@in.acme.example")
    assert {name: mail["headers"][name] for name in ("In-Reply-To", "References")} == {
        "In-Reply-To": sent.message_id,
        "References": sent.message_id,
    }
    assert "Reply-To" not in mail["headers"]


async def test_a_mail_for_some_of_its_recipients_names_no_others(office: Office) -> None:
    await office.transport.send(replace(office.again(), recipients=("bob@example.com",)))

    [mail] = office.server.sent
    assert mail["recipients"] == {"to": [], "cc": [{"address": "bob@example.com"}], "bcc": []}


@pytest.mark.parametrize(
    ("answer", "temporary"),
    [
        (Answer(400, "InvalidRecipients", "Invalid format for ada@example.com"), False),
        (Answer(401, "Denied", "Denied by the resource provider."), True),
        (Answer(403, "SubscriptionBlocked", "All requests are blocked"), False),
        (Answer(404, "DomainNotLinked", "The sender domain has not been linked."), False),
        (Answer(413, "RequestTooLarge", "Over 10 MB"), False),
    ],
)  # fmt: skip
async def test_a_refusal_is_one_and_is_not_repeated_by_the_sdk(office: Office, answer: Answer, temporary: bool) -> None:
    office.server.faults["send"] = [answer]

    outcome = await office.transport.send(office.again())

    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (temporary, answer.code)
    assert "@" not in outcome.text
    assert (office.server.sent, office.server.asked) == ([], {"send": 1})


@pytest.mark.parametrize("status", [429, 503])
async def test_throttled_mail_waits_as_long_as_the_service_says_and_uses_up_no_try(office: Office, status: int) -> None:
    office.server.faults["send"] = [Answer(status, "TooManyRequests", "Slow down", {"Retry-After": "600"})]

    mail = await office.mail().run()

    assert (mail.shown, len(office.server.sent), mail.tries) == (["scheduled", "sent"], 1, 0)
    assert timedelta(seconds=600) <= mail.waited <= timedelta(seconds=660)
    first, second = (submission["Operation-Id"] for submission in office.server.submissions)
    assert first != second


async def test_what_was_throttled_after_it_was_taken_is_not_submitted_again(office: Office) -> None:
    office.server.faults["send"] = [replace(THROTTLED, done=True)]

    mail = await office.mail().run()

    assert (mail.shown, len(office.server.sent), office.server.asked["send"]) == (["sent"], 1, 1)


async def test_others_wait_as_well_when_the_service_has_said_when_to_come_again(office: Office) -> None:
    office.server.faults["send"] = [THROTTLED]
    outcomes = [await office.transport.send(office.again(key=f"key-{number}")) for number in range(5)]

    assert [type(outcome) for outcome in outcomes] == [Paced] * 5
    assert office.server.asked["send"] == 1


async def test_a_minute_and_an_hour_have_their_number_of_mails_and_the_rest_comes_one_after_the_other(
    office: Office,
) -> None:
    transport = office.make(per_minute=3, per_hour=5)
    office.server.per_minute = 3
    due = {f"key-{number}": START for number in range(12)}
    left, times = dict(due), []
    while left:
        moment = min(left.values())
        office.clock.move(seconds=(moment - office.clock.now()).total_seconds())
        for key in [key for key, when in left.items() if when <= office.clock.now()]:
            outcome = await transport.send(office.again(key=key))
            if isinstance(outcome, Paced):
                assert timedelta(0) < outcome.wait <= timedelta(hours=3)
                left[key] = office.clock.now() + outcome.wait
            else:
                assert isinstance(outcome, Accepted)
                del left[key]
                times.append(office.clock.now() - START)
    await transport.close()

    minutes = [round(time / timedelta(minutes=1)) for time in times]
    assert minutes == [0, 0, 0, 1, 1, 60, 60, 60, 61, 61, 120, 120]
    assert office.server.asked["send"] == 12
    assert len(office.server.sent) == 12


async def test_without_a_connection_nothing_was_sent(office: Office) -> None:
    nowhere = AcsTransport(AcsResource(f"http://127.0.0.1:{free_port()}", KEY), office.clock)

    outcome = await nowhere.send(office.again())
    await nowhere.close()

    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "connection")


FAULTS: list[Fault] = [
    Cut(done=False),
    Cut(done=True),
    Half(202),
    Answer(202, done=True),
    Answer(500, "InternalServerError", "Oops", {"Retry-After": "1"}),
    Answer(502, done=True),
    Answer(503, done=False),
    Answer(503, done=True),
    Answer(504, "GatewayTimeout", "Too slow", done=True),
    Answer(408, "RequestTimeout", "Too slow", done=True),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_after_doubt_the_mail_goes_out_once(office: Office, fault: Fault) -> None:
    office.server.faults["send"] = [fault]

    mail = await office.mail().run()

    assert (mail.state, len(office.server.sent), mail.tries) == ("sent", 1, 0)
    assert "uncertain" not in mail.shown
    assert len({submission["Repeatability-Request-Id"] for submission in office.server.submissions}) == 1
    assert len({submission["Repeatability-First-Sent"] for submission in office.server.submissions}) == 1
    assert office.server.asked["send"] == (1 if fault.done else 2)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_service_that_knows_of_no_operation_is_repeated_only_while_it_notices_that(
    office: Office, fault: Fault
) -> None:
    office.server.faults["send"] = [fault]
    office.server.forgetful = True

    mail = await office.mail().run()

    assert (mail.state, len(office.server.sent)) == ("uncertain", 1)
    assert len({submission["Operation-Id"] for submission in office.server.submissions}) == 1


@pytest.mark.parametrize("refusal", [Answer(429, "TooManyRequests", "Slow down"), Answer(401, "Denied", "Denied")])
async def test_a_refusal_after_doubt_says_nothing_of_the_first_submission(office: Office, refusal: Answer) -> None:
    office.server.faults["send"] = [Cut(done=True), refusal]
    office.server.faults["operation"] = [OOPS]

    mail = await office.mail().run()

    assert (mail.state, len(office.server.sent), mail.tries) == ("sent", 1, 0)


async def test_a_repetition_that_finds_no_connection_says_nothing_of_the_first_submission(office: Office) -> None:
    nowhere = AcsTransport(AcsResource(f"http://127.0.0.1:{free_port()}", KEY), office.clock)

    outcome = await nowhere.send(office.again(earlier="doubtful"))
    await nowhere.close()

    assert isinstance(outcome, Underway)


async def test_a_repetition_that_was_refused_as_the_first_one_was_is_a_refusal(office: Office) -> None:
    refusal = Answer(400, "InvalidRecipients", "Invalid", {"Repeatability-Result": "accepted"})
    office.server.faults["send"] = [Cut(done=False), refusal]

    mail = await office.mail().run()

    assert (mail.state, mail.refusal and mail.refusal.code) == ("failed", "InvalidRecipients")
    assert office.server.sent == []


async def test_a_message_that_was_changed_meanwhile_is_not_sent_a_second_time(office: Office) -> None:
    office.server.faults["send"] = [Cut(done=True)]
    office.server.forgetful = True
    envelope = office.again(earlier="doubtful")
    await office.transport.send(envelope)

    changed = replace(envelope, content=replace(envelope.content, subject="Another one"))

    assert isinstance(await office.transport.send(changed), Underway)
    assert len(office.server.sent) == 1


@pytest.mark.parametrize("death", [Death(done=False), Death(done=True)])
async def test_after_a_crash_the_mail_goes_out_once(office: Office, death: Death) -> None:
    office.server.faults["send"] = [death]

    mail = await office.mail().run()

    assert (mail.state, len(office.server.sent)) == ("sent", 1)
    assert office.server.asked["send"] == (1 if death.done else 2)


async def test_a_crash_that_is_found_too_late_leaves_an_uncertain_message(office: Office) -> None:
    envelope = office.again()
    office.clock.move(seconds=WINDOW.total_seconds() + 1)

    assert isinstance(await office.transport.after_doubt(envelope), Unknown)
    assert isinstance(await office.transport.send(replace(envelope, earlier="doubtful")), Unknown)
    assert (office.server.asked["send"], office.server.sent) == (0, [])


async def test_a_service_that_cannot_be_asked_is_asked_later(office: Office) -> None:
    office.server.faults["send"] = [Cut(done=True), *[OOPS] * 20]
    office.server.faults["operation"] = [OOPS] * 20

    mail = await office.mail().run()

    assert mail.state == "sent"
    assert mail.waited > WINDOW
    assert len(office.server.sent) == 1


async def test_a_service_that_can_never_be_asked_leaves_an_uncertain_message(office: Office) -> None:
    office.server.faults["send"] = [Cut(done=True)] * 30
    office.server.faults["operation"] = [OOPS] * 10_000

    mail = await office.mail().run()

    assert mail.shown[-1] == "uncertain"
    assert timedelta(hours=24) < mail.waited < timedelta(hours=25)
    assert len(office.server.sent) == 1


async def test_what_was_taken_is_shown_as_sending_until_it_was_sent(office: Office) -> None:
    office.server.runs = timedelta(minutes=30)

    mail = await office.mail().run()

    assert (mail.shown, len(office.server.sent)) == (["sending", "sent"], 1)
    assert office.server.asked["send"] == 1
    assert office.server.asked["operation"] < 12


@pytest.mark.parametrize("minutes", [0, 30])
async def test_what_the_service_gave_up_has_failed_with_its_reason(office: Office, minutes: int) -> None:
    office.server.runs = timedelta(minutes=minutes)
    office.server.failures = [SUPPRESSED]

    mail = await office.mail().run()

    assert mail.shown == (["sending", "failed"] if minutes else ["failed"])
    assert mail.refusal is not None
    assert mail.refusal.code == SUPPRESSED["code"]
    assert "@" not in mail.refusal.text
    assert office.server.sent == []


async def test_what_runs_for_hours_is_shown_as_uncertain_and_still_settled_in_the_end(office: Office) -> None:
    office.server.runs = timedelta(hours=5)

    mail = await office.mail().run()

    assert (mail.shown, len(office.server.sent)) == (["sending", "uncertain", "sent"], 1)
    assert mail.doubt is not None
    assert "more than an hour" in mail.doubt.text


async def test_what_never_ends_is_not_asked_for_for_ever(office: Office) -> None:
    office.server.runs = timedelta(days=90)

    mail = await office.mail().run()

    assert mail.state == "uncertain"
    assert mail.waited < timedelta(hours=25)


async def test_an_operation_goes_on_being_read_by_another_process(office: Office) -> None:
    office.server.runs = timedelta(minutes=3)
    office.server.faults["operation"] = [Death(done=True)]

    mail = await office.mail().run()

    assert (mail.shown, len(office.server.sent), office.server.asked["send"]) == (["sending", "sent"], 1, 1)


async def test_questions_have_a_pace_too(office: Office) -> None:
    office.server.runs = timedelta(minutes=2)
    transport = office.make(per_minute=2, per_hour=10)
    outcomes: list[object] = [await transport.send(office.again(key=f"key-{number}")) for number in range(2)]
    outcomes += [await transport.after_doubt(office.again(key=f"key-{number}")) for number in range(2)]
    more = await transport.after_doubt(office.again(key="key-0"))
    await transport.close()

    assert [type(outcome) for outcome in [*outcomes, more]] == [Underway] * 5
    assert office.server.asked["operation"] == 4


async def test_a_worker_that_wakes_up_too_late_sends_nothing(office: Office) -> None:
    outcome = await office.transport.send(envelope_for(tried_at=START - timedelta(minutes=6)))

    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "PreconditionFailed")
    assert office.server.sent == []


class NoIdentity:
    async def get_token(self, *_: str, **__: Any) -> Any:
        raise ClientAuthenticationError("no managed identity here")

    async def close(self) -> None: ...


@pytest.mark.parametrize(("earlier", "outcome"), [("none", Refused), ("doubtful", Underway)])
async def test_without_a_token_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, earlier: Any, outcome: type[Refused] | type[Underway]
) -> None:
    monkeypatch.setattr("azure.identity.aio.DefaultAzureCredential", NoIdentity)
    transport = AcsTransport(AcsResource("https://acs.invalid"), SetClock(START))

    assert isinstance(await transport.send(envelope_for(tried_at=START, earlier=earlier)), outcome)
    await transport.close()


@pytest.mark.parametrize("challenges", [True, False])
async def test_a_token_that_was_revoked_is_renewed_once(
    monkeypatch: pytest.MonkeyPatch, office: Office, challenges: bool
) -> None:
    monkeypatch.setattr("azure.core.pipeline.policies._authentication_async._enforce_https", lambda _: None)
    office.server.revoked, office.server.challenges = {"token-1"}, challenges
    credential = Credential("https://communication.azure.com//.default")
    transport = AcsTransport(AcsResource(office.address), office.clock, credential, looks=(0,))

    outcomes = await asyncio.gather(*(transport.send(office.again(key=f"key-{number}")) for number in range(5)))
    outcomes += [await transport.send(office.again(key="another"))]
    await transport.close()

    assert [type(outcome) for outcome in outcomes] == [Accepted] * 6
    assert len(credential.claims) == 2
