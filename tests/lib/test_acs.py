"""Azure Communication Services Email: however a submission ends, one mail goes out, and the message says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from infra.local.child import free_port
from lib.clock import SetClock
from lib.messages import StoredMessage
from lib.outbox import BACKOFF, LEASE
from lib.transports import Envelope, Refused, Unknown
from lib.transports.acs import WINDOW, AcsTransport
from lib.transports.acs_resource import AcsResource
from tests.heed import START, Heed
from tests.lib.provider_servers.acs import KEY, AcsServer
from tests.lib.provider_servers.faults import Answer, Cut, Fault, Half, serving
from tests.lib.provider_servers.posting import Posting


@dataclass(slots=True)
class Post(Posting):
    server: AcsServer

    async def deliver_until_settled(self) -> StoredMessage:
        """As often as the outbox wants to look at it."""
        stored = await self.deliver()
        for _ in range(200):
            if stored.state not in ("scheduled", "submitting"):
                return stored
            wait = (stored.lease_until or stored.due_at or START) - self.heed.clock.now()
            stored = await self.deliver(seconds=wait.total_seconds())
        raise AssertionError("it never comes to an end")


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    clock = SetClock(START)
    server = AcsServer(clock)
    async with serving(server.app) as address:
        transport = AcsTransport(AcsResource(address, KEY), clock)
        heed = await Heed(clock=clock, transport=transport).start()
        message = await heed.draft(
            subject="Grüße",
            cc=[{"email": "bob@example.com"}, {"email": "ada@example.com"}],
            bcc=[{"email": "eve@example.com", "name": "Eve"}],
        )
        await heed.post(f"/messages/{message}/send")
        yield Post(heed, message, server)
        await transport.close()


async def test_a_message_goes_out_with_all_that_it_says(post: Post) -> None:
    stored = await post.deliver()

    [mail] = post.server.sent
    assert mail["senderAddress"] == "rep@acme.example"
    assert mail["recipients"] == {
        "to": [{"address": "ada@example.com", "displayName": "Ada"}],
        "cc": [{"address": "bob@example.com"}],
        "bcc": [{"address": "eve@example.com", "displayName": "Eve"}],
    }
    assert mail["content"]["subject"] == "Grüße"
    assert "https://heed.test/c/" in mail["content"]["html"]
    assert "offer" in mail["content"]["plainText"]
    assert mail["headers"] == {"Message-ID": stored.message_id}
    assert mail["userEngagementTrackingDisabled"] is True
    assert (stored.state, stored.known_ids) == ("sent", list(post.server.operations))


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (Answer(400, "InvalidRecipients", "Invalid format for ada@example.com"), "failed", "InvalidRecipients"),
        (Answer(401, "Denied", "Denied by the resource provider."), "scheduled", "Denied"),
        (Answer(403, "SubscriptionBlocked", "All requests are blocked"), "failed", "SubscriptionBlocked"),
        (Answer(404, "DomainNotLinked", "The sender domain has not been linked."), "failed", "DomainNotLinked"),
        (Answer(413, "RequestTooLarge", "Over 10 MB"), "failed", "RequestTooLarge"),
        (Answer(429, "TooManyRequests", "Slow down"), "scheduled", "TooManyRequests"),
        (Answer(503, "ServiceUnavailable", "Later", {"Retry-After": "5"}), "scheduled", "ServiceUnavailable"),
    ],
)  # fmt: skip
async def test_a_refusal_is_one_and_is_not_repeated_by_the_sdk(
    post: Post, answer: Answer, status: str, code: str
) -> None:
    post.server.faults["send"] = [answer]

    await post.deliver()

    read = await post.read()
    assert (read["status"], read["failure"]["code"]) == (status, code)
    assert "@" not in read["failure"]["text"]
    assert (post.server.sent, post.server.asked) == ([], {"send": 1})


async def test_the_service_says_when_to_come_again_and_the_next_try_is_a_new_submission(post: Post) -> None:
    post.server.faults["send"] = [Answer(429, "TooManyRequests", "Slow down", {"Retry-After": "600"})]

    stored = await post.deliver()
    assert stored.due_at == START + timedelta(seconds=600)
    stored = await post.deliver(seconds=600)

    assert (stored.state, len(post.server.sent)) == ("sent", 1)
    first, second = (submission["Operation-Id"] for submission in post.server.submissions)
    assert first != second


async def test_a_shorter_time_than_our_own_backoff_does_not_count(post: Post) -> None:
    post.server.faults["send"] = [Answer(429, "TooManyRequests", "Slow down", {"Retry-After": "2"})]

    assert (await post.deliver()).due_at == START + BACKOFF[0]


async def test_without_a_connection_nothing_was_sent(post: Post) -> None:
    heed = post.heed
    transport = AcsTransport(AcsResource(f"http://127.0.0.1:{free_port()}", KEY), heed.clock)
    heed.services.outbox._transport = transport

    stored = await post.deliver()
    await transport.close()

    assert (stored.state, stored.failure and stored.failure.code) == ("scheduled", "connection")
    assert not stored.in_doubt


@pytest.mark.parametrize(
    "fault",
    [
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
    ],
)
@pytest.mark.parametrize("forgetful", [False, True])
async def test_after_doubt_the_mail_goes_out_once(post: Post, fault: Fault, forgetful: bool) -> None:
    post.server.faults["send"] = [fault]
    post.server.forgetful = forgetful

    stored = await post.deliver_until_settled()

    assert (stored.state, len(post.server.sent)) == ("sent", 1)
    assert (await post.read())["failure"] is None
    assert (stored.attempts, stored.in_doubt) == (1, False)
    assert len({submission["Repeatability-Request-Id"] for submission in post.server.submissions}) == 1
    assert len({submission["Repeatability-First-Sent"] for submission in post.server.submissions}) == 1
    confirmed = fault == Answer(202, done=True)  # in words that nobody reads
    assert post.server.asked["send"] == (1 if confirmed or (fault.done and not forgetful) else 2)


async def test_a_refusal_after_doubt_says_nothing_of_the_first_submission(post: Post) -> None:
    post.server.faults["send"] = [
        Cut(done=True),
        Answer(429, "TooManyRequests", "Slow down"),
        Answer(401, "Denied", "Denied by the resource provider."),
    ]
    post.server.forgetful = True

    stored = await post.deliver_until_settled()

    assert (stored.state, len(post.server.sent)) == ("sent", 1)
    assert post.server.asked["send"] == 4


async def test_a_repetition_that_finds_no_connection_says_nothing_of_the_first_submission(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=True)]
    post.server.forgetful = True
    await post.deliver()
    outbox, reachable = post.heed.services.outbox, post.heed.transport
    outbox._transport = AcsTransport(AcsResource(f"http://127.0.0.1:{free_port()}", KEY), post.heed.clock)

    stored = await post.deliver(seconds=20)
    assert stored.in_doubt
    await outbox._transport.close()
    outbox._transport = reachable
    stored = await post.deliver_until_settled()

    assert (stored.state, len(post.server.sent)) == ("sent", 1)


async def test_a_repetition_that_was_refused_as_the_first_one_was_is_a_refusal(post: Post) -> None:
    refusal = Answer(400, "InvalidRecipients", "Invalid", {"Repeatability-Result": "accepted"})
    post.server.faults["send"] = [Cut(done=False), refusal]

    stored = await post.deliver_until_settled()

    assert (stored.state, stored.failure and stored.failure.code) == ("failed", "InvalidRecipients")
    assert post.server.sent == []


async def test_a_message_that_was_changed_meanwhile_is_not_sent_a_second_time(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=True)]
    post.server.forgetful = True
    await post.deliver()
    await post.change(subject="Another one")

    stored = await post.deliver_until_settled()

    assert (stored.state, len(post.server.sent)) == ("uncertain", 1)


async def test_after_a_crash_the_service_is_asked(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=True)]
    post.server.faults["operation"] = [Cut(done=False)]
    await post.deliver()
    await post.change(state="submitting", lease_until=post.heed.clock.now() + LEASE)

    assert (await post.deliver()).state == "submitting"
    stored = await post.deliver(seconds=LEASE.total_seconds())

    assert stored.state == "sent"
    assert (post.server.asked["send"], len(post.server.sent)) == (1, 1)


async def test_a_crash_before_anything_was_sent_is_followed_by_sending(post: Post) -> None:
    await post.die_while_submitting()

    stored = await post.deliver(seconds=LEASE.total_seconds())
    assert (stored.state, stored.in_doubt, stored.tried_at) == ("scheduled", True, START)
    stored = await post.deliver(seconds=20)

    assert (stored.state, len(post.server.sent)) == ("sent", 1)


async def test_a_crash_that_is_found_too_late_leaves_an_uncertain_message(post: Post) -> None:
    await post.die_while_submitting()

    await post.deliver(seconds=WINDOW.total_seconds() + 1)

    read = await post.read()
    assert (read["status"], read["failure"]["code"]) == ("uncertain", "interrupted")
    assert (post.server.asked["send"], post.server.sent) == (0, [])


async def test_a_repetition_that_comes_too_late_is_not_made(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=False)]
    assert (await post.deliver()).in_doubt

    stored = await post.deliver(minutes=6)

    assert (stored.state, post.server.asked["send"]) == ("uncertain", 1)


async def test_an_uncertain_message_is_sent_anew_when_a_person_says_so(post: Post) -> None:
    await post.die_while_submitting()
    assert (await post.deliver(minutes=6)).state == "uncertain"

    await post.heed.post(f"/messages/{post.message}/resolve", {"as": "resend"})

    assert (await post.deliver()).state == "sent"
    assert len(post.server.sent) == 1


async def test_a_service_that_cannot_be_asked_is_asked_later(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=True), *[Answer(500, "InternalServerError", "Oops")] * 20]
    post.server.faults["operation"] = [Answer(500, "InternalServerError", "Oops")] * 30

    stored = await post.deliver_until_settled()

    assert stored.state == "sent"
    assert post.heed.clock.now() - START > WINDOW
    assert len(post.server.sent) == 1


async def test_a_service_that_can_never_be_asked_leaves_an_uncertain_message(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=True)] * 20
    post.server.faults["operation"] = [Answer(500, "InternalServerError", "Oops")] * 100

    stored = await post.deliver_until_settled()

    assert stored.state == "uncertain"
    assert timedelta(hours=1) < post.heed.clock.now() - START < timedelta(hours=2)
    assert len(post.server.sent) == 1


async def test_what_the_service_gave_up_has_failed(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=True)]
    post.server.faults["operation"] = [Cut(done=False)]
    await post.deliver()
    [operation] = post.server.operations.values()
    operation["status"] = "Failed"
    operation["error"] = {"code": "EmailDropped", "message": "Dropped: ada@example.com does not exist"}

    await post.change(state="submitting", lease_until=None)
    await post.deliver()

    read = await post.read()
    assert (read["status"], read["failure"]["code"]) == ("failed", "EmailDropped")
    assert "@" not in read["failure"]["text"]


async def test_a_worker_that_wakes_up_too_late_sends_nothing(post: Post) -> None:
    transport = post.heed.transport
    assert transport
    key = "0b0e5a0c-9f0e-4d6e-8f60-1f1f6d1ad7f5"
    late = Envelope("rep@acme.example", ("ada@example.com",), b"", key=key, tried_at=START - timedelta(minutes=6))

    outcome = await transport.send(late)

    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "PreconditionFailed")
    assert post.server.sent == []


class NoIdentity:
    async def get_token(self, *_: str, **__: Any) -> Any:
        raise ClientAuthenticationError("no managed identity here")

    async def close(self) -> None: ...


@pytest.mark.parametrize(("earlier", "outcome"), [("none", Refused), ("doubtful", Unknown)])
async def test_without_a_token_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, earlier: Any, outcome: type[Refused] | type[Unknown]
) -> None:
    monkeypatch.setattr("azure.identity.aio.DefaultAzureCredential", NoIdentity)
    transport = AcsTransport(AcsResource("https://acs.invalid"), SetClock(START))
    envelope = Envelope("rep@acme.example", ("ada@example.com",), b"", key="k", tried_at=START, earlier=earlier)

    assert isinstance(await transport.send(envelope), outcome)
    await transport.close()
