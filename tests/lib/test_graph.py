"""Microsoft Graph: however a try ends, one mail leaves the mailbox, and the message says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from infra.local.child import free_port
from lib.clock import SetClock
from lib.outbox import BACKOFF, LEASE
from lib.transports.graph import GraphTransport
from tests.heed import START, Heed
from tests.lib.provider_servers.faults import Answer, Cut, Fault, Half, serving
from tests.lib.provider_servers.graph import Credential, GraphServer
from tests.lib.provider_servers.posting import Posting

THROTTLED = Answer(429, "ApplicationThrottled", "Slow down", {"Retry-After": "90"})
BROKEN: list[Fault] = [
    Cut(done=False),
    Answer(500, "InternalServerError", "Oops"),
    Answer(502),
    Answer(503, "serviceNotAvailable", "Oops"),
    Answer(504, "UnknownError", ""),
]
BROKEN_AFTER: list[Fault] = [
    Cut(done=True),
    Half(202),
    Answer(502, done=True),
    Answer(504, "UnknownError", "", done=True),
]


@dataclass(slots=True)
class Post(Posting):
    server: GraphServer
    credential: Credential

    async def make_draft(self) -> None:
        """A try that gets as far as the draft."""
        self.server.faults["send"] = [THROTTLED]
        assert (await self.deliver()).state == "scheduled"


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    clock, server, credential = SetClock(START), GraphServer(), Credential()
    async with serving(server.app) as address:
        transport = GraphTransport(f"{address}/v1.0", clock, credential, looks=(0, 0))
        heed = await Heed(clock=clock, transport=transport).start()
        message = await heed.draft(
            subject="Grüße", cc=[{"email": "bob@example.com"}], bcc=[{"email": "eve@example.com", "name": "Eve"}]
        )
        await heed.post(f"/messages/{message}/send")
        yield Post(heed, message, server, credential)
        await transport.close()


async def test_a_message_leaves_from_the_mailbox_with_all_that_it_says(post: Post) -> None:
    stored = await post.deliver()

    [mail] = post.server.sent
    assert mail["subject"] == "Grüße"
    assert mail["internetMessageId"] == stored.message_id
    assert mail["toRecipients"] == [{"emailAddress": {"address": "ada@example.com", "name": "Ada"}}]
    assert mail["ccRecipients"] == [{"emailAddress": {"address": "bob@example.com"}}]
    assert mail["bccRecipients"] == [{"emailAddress": {"address": "eve@example.com", "name": "Eve"}}]
    assert mail["body"]["contentType"] == "html"
    assert "https://heed.test/c/" in mail["body"]["content"]
    assert stored.state == "sent"
    assert post.server.asked == {"create": 1, "send": 1}


async def test_text_without_html_goes_out_as_text(post: Post) -> None:
    text = await post.heed.draft(html=None, text="Hello, there")
    await post.heed.post(f"/messages/{text}/send")
    await post.heed.services.outbox.deliver("acme", text)

    assert post.server.sent[0]["body"] == {"contentType": "text", "content": "Hello, there"}


async def test_another_message_id_that_exchange_gives_is_known(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = post.server._draft
    monkeypatch.setattr(post.server, "_draft", lambda body: draft({**body, "internetMessageId": "<other@exchange>"}))

    stored = await post.deliver()

    assert stored.known_ids == ["<other@exchange>"]
    assert stored.message_id != "<other@exchange>"


REFUSALS = [
    (Answer(400, "ErrorInvalidRecipients", "At least one is not valid: ada@example.com"), "failed"),
    (Answer(401, "InvalidAuthenticationToken", "Access token is empty."), "scheduled"),
    (Answer(403, "ErrorAccessDenied", "Access is denied."), "failed"),
    (Answer(404, "MailboxNotEnabledForRESTAPI", "The mailbox is inactive."), "failed"),
    (Answer(413, "RequestTooLarge", "Over 4 MB"), "failed"),
    (THROTTLED, "scheduled"),
    (Answer(503, "serviceNotAvailable", "Later", {"Retry-After": "10"}), "scheduled"),
]


@pytest.mark.parametrize("step", ["create", "send"])
@pytest.mark.parametrize(("answer", "status"), REFUSALS)
async def test_a_refusal_is_one_in_every_step(post: Post, step: str, answer: Answer, status: str) -> None:
    post.server.faults[step] = [answer] * (2 if answer.status == 401 else 1)

    await post.deliver()

    read = await post.read()
    assert (read["status"], read["failure"]["code"]) == (status, answer.code)
    assert "@" not in read["failure"]["text"]
    assert post.server.sent == []


@pytest.mark.parametrize("step", ["create", "send"])
@pytest.mark.parametrize("answer", [answer for answer, status in REFUSALS if status == "scheduled"])
async def test_after_a_refusal_that_passes_one_mail_goes_out_and_no_draft_is_left(
    post: Post, step: str, answer: Answer
) -> None:
    post.server.faults[step] = [answer] * (2 if answer.status == 401 else 1)
    await post.deliver()

    stored = await post.deliver(minutes=2)

    assert (stored.state, len(post.server.sent), post.server.drafts) == ("sent", 1, [])
    assert step == "create" or post.server.asked["create"] == 1


async def test_graph_says_when_to_come_again(post: Post) -> None:
    post.server.faults["create"] = [THROTTLED]
    assert (await post.deliver()).due_at == START + timedelta(seconds=90)


@pytest.mark.parametrize("fault", [*BROKEN, *BROKEN_AFTER])
async def test_trouble_while_the_draft_is_made_is_no_doubt(post: Post, fault: Fault) -> None:
    post.server.faults["create"] = [fault]

    stored = await post.deliver()
    assert (stored.state, stored.due_at) == ("scheduled", START + BACKOFF[0])
    stored = await post.deliver(minutes=1)

    assert (stored.state, len(post.server.sent), post.server.drafts) == ("sent", 1, [])


async def test_without_a_connection_nothing_was_sent(post: Post) -> None:
    nowhere = GraphTransport(f"http://127.0.0.1:{free_port()}/v1.0", post.heed.clock, post.credential)
    post.heed.services.outbox._transport = nowhere

    stored = await post.deliver()
    await nowhere.close()

    assert (stored.state, stored.failure and stored.failure.code) == ("scheduled", "connection")


async def test_without_a_token_nothing_was_sent(post: Post) -> None:
    post.credential.failure = ClientAuthenticationError("no managed identity here")

    stored = await post.deliver()

    assert stored.state == "scheduled"
    assert post.server.asked == {}


async def test_a_token_that_was_revoked_is_renewed_once_with_what_graph_demands(post: Post) -> None:
    post.server.revoked = {"token-1"}

    stored = await post.deliver()

    assert (stored.state, len(post.server.sent)) == ("sent", 1)
    assert post.credential.claims == [None, '{"access_token":{"nbf":{"essential":true}}}']


async def test_a_sender_without_a_mailbox_fails(post: Post) -> None:
    await post.heed.put("/users/rep2", {"email": "rep2@acme.example", "name": "Ron Rep"})
    await post.change(sender="rep2")

    await post.deliver()

    read = await post.read()
    assert (read["status"], read["failure"]["code"]) == ("failed", "ErrorInvalidUser")
    assert "@" not in read["failure"]["text"]


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_draft_that_was_not_sent_is_sent_after_doubt_and_no_other(post: Post, fault: Fault) -> None:
    post.server.faults["send"] = [fault]

    stored = await post.deliver()

    assert (stored.state, len(post.server.sent), post.server.drafts) == ("sent", 1, [])
    assert (post.server.asked["create"], post.server.asked["send"]) == (1, 2)
    assert (await post.read())["failure"] is None


@pytest.mark.parametrize("fault", BROKEN_AFTER)
async def test_what_lies_in_sent_items_was_sent(post: Post, fault: Fault) -> None:
    post.server.faults["send"] = [fault]
    post.server.late = 1

    stored = await post.deliver()

    assert (stored.state, len(post.server.sent)) == ("sent", 1)
    assert (post.server.asked["create"], post.server.asked["send"]) == (1, 1)


async def test_of_two_drafts_the_other_one_stays_when_one_was_sent(post: Post) -> None:
    """As when making a draft took so long that another one was made."""
    await post.make_draft()
    [draft] = post.server.drafts
    post.server.items["other"] = {**draft, "id": "other"}
    post.server.faults["send"] = [Cut(done=True)]

    stored = await post.deliver(minutes=2)

    assert (stored.state, len(post.server.sent)) == ("sent", 1)


async def test_what_is_not_found_after_doubt_is_uncertain_and_not_sent_again(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=True)]
    post.server.late = 1000

    await post.deliver()
    await post.deliver(minutes=10)

    read = await post.read()
    assert (read["status"], read["failure"]["code"]) == ("uncertain", "unconfirmed")
    assert len(post.server.sent) == 1


async def test_a_person_who_has_it_sent_again_does_not_send_it_twice_when_the_copy_came_late(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=True)]
    post.server.late = 2
    assert (await post.deliver()).state == "uncertain"

    await post.heed.post(f"/messages/{post.message}/resolve", {"as": "resend"})
    stored = await post.deliver()

    assert (stored.state, len(post.server.sent)) == ("sent", 1)


async def test_after_a_crash_the_mailbox_says_that_it_was_sent(post: Post) -> None:
    await post.deliver()
    await post.change(state="submitting", lease_until=post.heed.clock.now() + LEASE)

    assert (await post.deliver()).state == "submitting"
    stored = await post.deliver(seconds=LEASE.total_seconds())

    assert (stored.state, len(post.server.sent)) == ("sent", 1)


async def test_after_a_crash_the_draft_that_is_there_is_sent(post: Post) -> None:
    await post.make_draft()
    await post.die_while_submitting()

    stored = await post.deliver(seconds=LEASE.total_seconds())

    assert (stored.state, len(post.server.sent), post.server.drafts) == ("sent", 1, [])
    assert post.server.asked["create"] == 1


async def test_after_a_crash_an_empty_mailbox_proves_nothing(post: Post) -> None:
    await post.die_while_submitting()

    await post.deliver(seconds=LEASE.total_seconds())

    read = await post.read()
    assert (read["status"], read["failure"]["code"]) == ("uncertain", "interrupted")
    assert (post.server.asked["create"], post.server.sent) == (0, [])


async def test_a_draft_that_goes_out_while_it_is_looked_at_goes_out_once(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request was slow: it is done when the second one has found the draft."""
    post.server.faults["send"] = [Cut(done=False)]
    sent = post.server._sent

    def slow(name: str) -> Any:
        sent(name)
        return sent(name)

    monkeypatch.setattr(post.server, "_sent", slow)

    stored = await post.deliver()

    assert (stored.state, len(post.server.sent)) == ("sent", 1)


async def test_a_mailbox_that_cannot_be_asked_is_asked_later(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=True)]
    post.server.faults["find"] = [THROTTLED, Answer(504, "UnknownError", "")]

    stored = await post.deliver()
    assert (stored.state, (await post.read())["status"]) == ("submitting", "sending")
    assert (await post.deliver(minutes=2)).state == "submitting"
    stored = await post.deliver(minutes=2)

    assert (stored.state, len(post.server.sent)) == ("sent", 1)


async def test_a_mailbox_that_can_never_be_asked_leaves_an_uncertain_message(post: Post) -> None:
    post.server.faults["send"] = [Cut(done=True)]
    post.server.faults["find"] = [Answer(504, "UnknownError", "")] * 100

    stored = await post.deliver()
    while stored.state == "submitting":
        stored = await post.deliver(minutes=2)

    assert stored.state == "uncertain"
    assert post.heed.clock.now() - START == timedelta(hours=1)


async def test_a_message_that_was_changed_after_a_refusal_goes_out_as_it_is_now(post: Post) -> None:
    await post.make_draft()
    await post.change(subject="Another one")

    stored = await post.deliver(minutes=2)

    assert stored.state == "sent"
    assert [mail["subject"] for mail in post.server.sent] == ["Another one"]
    assert post.server.asked["create"] == 1


async def test_a_draft_that_somebody_deleted_is_made_anew(post: Post) -> None:
    await post.make_draft()
    post.server.items.clear()

    stored = await post.deliver(minutes=2)

    assert (stored.state, len(post.server.sent), post.server.asked["create"]) == ("sent", 1, 2)


async def test_a_draft_that_somebody_deletes_while_it_is_renewed_is_made_anew_later(post: Post) -> None:
    await post.make_draft()
    post.server.faults["update"] = [Answer(404, "ErrorItemNotFound", "The specified object was not found.")]

    stored = await post.deliver(minutes=2)
    assert stored.state == "scheduled"
    post.server.items.clear()

    assert (await post.deliver(minutes=5)).state == "sent"
    assert len(post.server.sent) == 1
