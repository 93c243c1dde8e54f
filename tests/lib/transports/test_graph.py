"""Microsoft Graph: however a try ends, one mail leaves the mailbox, and the message says so."""

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
from lib.mime.parts import Mailbox
from lib.transports import Accepted, Envelope, MailContent, Paced, Refused, Underway, Unknown
from lib.transports.graph import GraphTransport
from tests.support.heed import START, Heed
from tests.support.provider_servers.faults import Answer, Cut, Fault, Half, serving
from tests.support.provider_servers.graph import Credential, GraphServer
from tests.support.provider_servers.posting import Posting
from tests.support.provider_servers.small_outbox import KEY, SmallOutbox, envelope_for

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
    Answer(400, "UnknownError", "", done=True),
]


@dataclass(slots=True)
class Office:
    """A mailbox at Graph, and what sends from it."""

    server: GraphServer
    clock: SetClock
    credential: Credential
    address: str
    transport: GraphTransport

    def make(self) -> GraphTransport:
        return GraphTransport(f"{self.address}/v1.0", self.clock, self.credential, looks=(0, 0))

    def mail(self, **parts: Any) -> SmallOutbox:
        return SmallOutbox(self.clock, self.server, self.make, envelope_for(**parts))

    def again(self, **parts: Any) -> Envelope:
        return envelope_for(tried_at=self.clock.now(), **parts)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    clock, credential = SetClock(START), Credential()
    server = GraphServer(clock)
    async with serving(server.app) as address:
        server.url = address
        transport = GraphTransport(f"{address}/v1.0", clock, credential, looks=(0, 0))
        yield Office(server, clock, credential, address, transport)
        await transport.close()


async def test_a_message_leaves_from_the_mailbox_with_all_that_it_says(office: Office) -> None:
    heed = await Heed(clock=office.clock, transport=office.transport).start()
    message = await heed.draft(
        subject="Grüße", cc=[{"email": "bob@example.com"}], bcc=[{"email": "eve@example.com", "name": "Eve"}]
    )
    await heed.post(f"/messages/{message}/send")

    stored = await Posting(heed, message).deliver()

    [mail] = office.server.sent
    assert mail["subject"] == "Grüße"
    assert mail["internetMessageId"] == stored.message_id
    assert mail["toRecipients"] == [{"emailAddress": {"address": "ada@example.com", "name": "Ada"}}]
    assert mail["ccRecipients"] == [{"emailAddress": {"address": "bob@example.com"}}]
    assert mail["bccRecipients"] == [{"emailAddress": {"address": "eve@example.com", "name": "Eve"}}]
    assert mail["body"]["contentType"] == "html"
    assert "https://heed.test/c/" in mail["body"]["content"]
    assert stored.state == "sent"
    assert office.server.asked == {"create": 1, "send": 1}


async def test_an_answer_has_the_headers_of_its_thread_and_the_address_for_replies(office: Office) -> None:
    headers = (("In-Reply-To", "<b@x>"), ("References", "<a@x> <b@x>"), ("Thread-Index", "AQ=="))
    content = MailContent("Re: Hello", reply_to=(Mailbox("Rita", "rep@acme.example"),), text="Hi", headers=headers)

    await office.transport.send(replace(office.again(), content=content))

    [mail] = office.server.sent
    assert mail["replyTo"] == [{"emailAddress": {"address": "rep@acme.example", "name": "Rita"}}]
    properties = {each["id"]: each["value"] for each in mail["singleValueExtendedProperties"]}
    assert properties["String 0x1042"] == "<b@x>"
    assert properties["String 0x1039"] == "<a@x> <b@x>"


async def test_the_way_out_goes_as_the_property_that_exchange_makes_the_header_of(office: Office) -> None:
    ways = "<https://heed.test/p/token>, <mailto:reply+token@in.acme.example?subject=unsubscribe>"
    headers = (("List-Unsubscribe", ways), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))

    await office.transport.send(replace(office.again(), content=MailContent("Hello", text="Hi", headers=headers)))

    [mail] = office.server.sent
    properties = {each["id"]: each["value"] for each in mail["singleValueExtendedProperties"]}
    assert properties["String 0x1045"] == ways
    assert mail["internetMessageHeaders"] == []  # Graph refuses a mail with headers that do not begin with x-


async def test_text_without_html_goes_out_as_text(office: Office) -> None:
    content = MailContent("Hello", (Mailbox("", "ada@example.com"),), text="Hello, there")

    await office.transport.send(replace(office.again(), content=content))

    assert office.server.sent[0]["body"] == {"contentType": "text", "content": "Hello, there"}


async def test_a_mail_for_some_of_its_recipients_names_no_others(office: Office) -> None:
    await office.transport.send(replace(office.again(), recipients=("bob@example.com",)))

    [mail] = office.server.sent
    assert (mail["toRecipients"], mail["ccRecipients"]) == ([], [{"emailAddress": {"address": "bob@example.com"}}])


async def test_another_message_id_that_exchange_gives_is_known(office: Office) -> None:
    office.server.message_id = "<other@exchange>"

    assert await office.transport.send(office.again()) == Accepted(ids=("<other@exchange>",))


@pytest.mark.parametrize("step", ["create", "send"])
@pytest.mark.parametrize(
    ("answer", "temporary"),
    [
        (Answer(400, "ErrorInvalidRecipients", "At least one is not valid: ada@example.com"), False),
        (Answer(401, "InvalidAuthenticationToken", "Access token is empty."), True),
        (Answer(403, "ErrorAccessDenied", "Access is denied."), False),
        (Answer(404, "MailboxNotEnabledForRESTAPI", "The mailbox is inactive."), False),
        (Answer(413, "RequestTooLarge", "Over 4 MB"), False),
    ],
)
async def test_a_refusal_is_one_in_every_step(office: Office, step: str, answer: Answer, temporary: bool) -> None:
    office.server.faults[step] = [answer] * (2 if answer.status == 401 else 1)

    outcome = await office.transport.send(office.again())

    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (temporary, answer.code)
    assert "@" not in outcome.text
    assert office.server.sent == []


async def test_after_a_refusal_that_passes_the_mail_goes_out_as_it_is_then(office: Office) -> None:
    office.server.faults["send"] = [Answer(401, "InvalidAuthenticationToken", "Access token is empty.")] * 2
    assert isinstance(await office.transport.send(office.again()), Refused)
    office.clock.move(minutes=1)
    changed = replace(office.again().content, subject="Another one", headers=(("X-Mailer", "Heed"),))

    await office.transport.send(replace(office.again(), earlier="settled", content=changed))

    [mail] = office.server.sent
    assert (mail["subject"], mail["internetMessageHeaders"]) == (
        "Another one",
        [{"name": "X-Mailer", "value": "Heed"}],
    )
    assert office.server.drafts == []


async def test_a_draft_that_somebody_deleted_is_made_anew(office: Office) -> None:
    office.server.faults["send"] = [Answer(401, "InvalidAuthenticationToken", "Access token is empty.")] * 2
    await office.transport.send(office.again())
    office.server.items.clear()
    office.clock.move(minutes=1)

    await office.transport.send(office.again(earlier="settled"))

    assert (len(office.server.sent), office.server.asked["create"]) == (1, 2)


@pytest.mark.parametrize("fault", [THROTTLED, Answer(503, "serviceNotAvailable", "Later", {"Retry-After": "90"})])
async def test_a_throttled_step_that_sends_nothing_waits_as_long_as_graph_says(office: Office, fault: Fault) -> None:
    office.server.faults["create"] = [fault]

    outcome = await office.transport.send(office.again())

    assert isinstance(outcome, Paced)
    assert timedelta(seconds=90) <= outcome.wait <= timedelta(seconds=150)


async def test_throttled_mail_comes_back_spread_out(office: Office) -> None:
    office.server.faults["create"] = [THROTTLED]

    outcomes = [await office.transport.send(office.again(key=f"key-{number}")) for number in range(20)]

    waits = sorted(outcome.wait for outcome in outcomes if isinstance(outcome, Paced))
    assert len(set(waits)) == 20
    assert waits[-1] - waits[0] > timedelta(seconds=30)
    assert office.server.asked == {"create": 1}  # nobody else asks a mailbox that has said when


@pytest.mark.parametrize("fault", [*BROKEN, *BROKEN_AFTER[:-1]])
async def test_trouble_while_the_draft_is_made_is_no_doubt(office: Office, fault: Fault) -> None:
    office.server.faults["create"] = [fault]

    mail = await office.mail().run()

    assert (mail.shown, mail.tries) == (["scheduled", "sent"], 1)
    assert (len(office.server.sent), office.server.drafts) == (1, [])


async def test_without_a_connection_nothing_was_sent(office: Office) -> None:
    nowhere = GraphTransport(f"http://127.0.0.1:{free_port()}/v1.0", office.clock, office.credential)

    outcome = await nowhere.send(office.again())
    await nowhere.close()

    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "connection")


async def test_without_a_token_nothing_was_sent(office: Office) -> None:
    office.credential.failure = ClientAuthenticationError("no managed identity here")

    assert isinstance(await office.transport.send(office.again()), Refused)
    assert office.server.asked == {}


@pytest.mark.parametrize("challenges", [True, False])
async def test_a_token_that_was_revoked_is_renewed_once_for_all(office: Office, challenges: bool) -> None:
    office.server.revoked, office.server.challenges = {"token-1"}, challenges

    outcomes = await asyncio.gather(*(office.transport.send(office.again(key=f"key-{number}")) for number in range(10)))

    assert [type(outcome) for outcome in outcomes] == [Accepted] * 10
    first, second = office.credential.claims
    assert first is None
    assert second is not None
    assert '"nbf"' in second


async def test_an_identity_that_takes_no_claims_is_asked_without_any(office: Office) -> None:
    class Cli(Credential):
        async def get_token(self, *scopes: str, claims: str | None = None, **parts: Any) -> Any:
            if claims:
                raise ClientAuthenticationError("claims are not supported")
            self._cached = None
            return await super().get_token(*scopes, **parts)

    office.server.revoked, office.server.challenges = {"token-1"}, False
    transport = GraphTransport(f"{office.address}/v1.0", office.clock, Cli())

    assert isinstance(await transport.send(office.again()), Accepted)
    await transport.close()


async def test_a_sender_without_a_mailbox_is_refused(office: Office) -> None:
    outcome = await office.transport.send(replace(office.again(), sender="rep2@acme.example"))

    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (False, "ErrorInvalidUser")
    assert "@" not in outcome.text
    assert await office.transport.discard("rep2@acme.example", KEY)


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_draft_that_was_not_sent_is_sent_after_doubt_and_no_other(office: Office, fault: Fault) -> None:
    office.server.faults["send"] = [fault]

    mail = await office.mail().run()

    assert (mail.shown, len(office.server.sent), office.server.drafts) == (["sent"], 1, [])
    assert (office.server.asked["create"], office.server.asked["send"]) == (1, 2)


@pytest.mark.parametrize("fault", BROKEN_AFTER)
async def test_what_lies_in_sent_items_was_sent(office: Office, fault: Fault) -> None:
    office.server.faults["send"] = [fault]
    office.server.late = 1

    mail = await office.mail().run()

    assert (mail.shown, len(office.server.sent)) == (["sent"], 1)
    assert (office.server.asked["create"], office.server.asked["send"]) == (1, 1)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("minutes", [0, 2, 5])
async def test_what_was_delivered_and_then_throttled_is_not_sent_anew(
    office: Office, status: int, minutes: int
) -> None:
    office.server.faults["send"] = [Answer(status, "ApplicationThrottled", "", {"Retry-After": "30"}, done=True)]
    office.server.searchable_after = timedelta(minutes=minutes)

    mail = await office.mail().run()

    assert mail.shown == (["uncertain", "sent"] if minutes else ["sent"])
    assert (len(office.server.sent), office.server.asked["create"]) == (1, 1)


async def test_what_was_throttled_before_it_was_sent_waits_as_long_as_graph_says(office: Office) -> None:
    office.server.faults["send"] = [THROTTLED]

    mail = await office.mail().run()

    assert (mail.shown, len(office.server.sent), mail.tries) == (["sending", "sent"], 1, 0)
    assert timedelta(seconds=90) <= mail.waited <= timedelta(seconds=150)


async def test_what_is_not_found_for_an_hour_stays_uncertain_and_is_not_sent_again(office: Office) -> None:
    office.server.faults["send"] = [Cut(done=True)]
    office.server.searchable_after = timedelta(days=1)

    mail = await office.mail().run()

    assert (mail.shown, len(office.server.sent)) == (["uncertain"], 1)
    assert timedelta(hours=1) < mail.waited < timedelta(minutes=90)
    assert office.server.asked["find"] < 30


async def test_a_person_who_has_it_sent_again_does_not_send_it_twice_when_the_copy_came_late(office: Office) -> None:
    office.server.faults["send"] = [Cut(done=True)]
    office.server.searchable_after = timedelta(hours=2)
    await office.mail().run()
    office.clock.move(hours=1)

    assert isinstance(await office.transport.send(office.again(earlier="settled")), Accepted)
    assert len(office.server.sent) == 1


async def test_a_doubtful_try_is_looked_for_and_never_repeated(office: Office) -> None:
    assert isinstance(await office.transport.send(office.again(earlier="doubtful")), Unknown)
    assert office.server.asked["create"] == 0


async def test_the_draft_of_another_try_is_not_sent_when_this_one_may_have_left(office: Office) -> None:
    """The first draft's answer was lost; the second draft was sent, and its copy is nowhere."""
    office.server.faults["create"] = [Cut(done=True)]
    await office.transport.send(office.again())
    office.clock.move(minutes=1)
    first = dict(office.server.items)
    office.server.items.clear()  # it cannot be found yet
    office.server.faults["send"] = [Cut(done=True)]
    office.server.searchable_after = timedelta(days=1)
    second = office.again(earlier="settled")
    assert isinstance(await office.transport.send(second), Unknown)
    office.server.items |= first

    assert isinstance(await office.transport.after_doubt(second), Unknown)
    assert (len(office.server.sent), office.server.drafts) == (1, [])


async def test_of_two_drafts_of_one_try_one_is_sent_and_the_other_removed(office: Office) -> None:
    office.server.faults["send"] = [Cut(done=False), Cut(done=False)]
    envelope = office.again()
    assert isinstance(await office.transport.send(envelope), Underway)
    [draft] = office.server.drafts
    office.server.items["other"] = {**draft, "id": "other"}

    assert isinstance(await office.transport.after_doubt(envelope), Accepted)
    assert (len(office.server.sent), office.server.drafts) == (1, [])


async def test_after_a_crash_the_draft_that_is_there_is_sent(office: Office) -> None:
    envelope = office.again()
    office.server.faults["send"] = [Cut(done=False), Cut(done=False)]
    await office.transport.send(envelope)
    office.clock.move(minutes=2)

    assert isinstance(await office.make().after_doubt(envelope), Accepted)
    assert (len(office.server.sent), office.server.asked["create"]) == (1, 1)


async def test_after_a_crash_an_empty_mailbox_proves_nothing(office: Office) -> None:
    outcome = await office.transport.after_doubt(office.again())

    assert isinstance(outcome, Unknown)
    assert (office.server.asked["create"], office.server.sent) == (0, [])


async def test_a_draft_that_goes_out_while_it_is_looked_at_goes_out_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request was slow: it is done when the second one has found the draft."""
    office.server.faults["send"] = [Cut(done=False)]
    sent = office.server._sent

    def slow(name: str) -> Any:
        sent(name)
        return sent(name)

    monkeypatch.setattr(office.server, "_sent", slow)

    mail = await office.mail().run()

    assert (mail.state, len(office.server.sent)) == ("sent", 1)


async def test_a_draft_that_can_never_be_sent_is_taken_back_and_tried_anew(office: Office) -> None:
    office.server.faults["send"] = [Answer(500, "InternalServerError", "Oops")] * 10_000

    mail = await office.mail().run()

    assert (mail.state, mail.tries > 3) == ("failed", True)
    assert (office.server.sent, office.server.drafts) == ([], [])
    assert mail.waited < timedelta(hours=26)


async def test_a_mailbox_that_cannot_be_asked_is_asked_later(office: Office) -> None:
    office.server.faults["send"] = [Cut(done=True)]
    office.server.faults["find"] = [THROTTLED, Answer(504, "UnknownError", "")]

    mail = await office.mail().run()

    assert (mail.shown, len(office.server.sent)) == (["sending", "sent"], 1)


async def test_a_mailbox_that_can_never_be_asked_leaves_an_uncertain_message(office: Office) -> None:
    office.server.faults["send"] = [Cut(done=True)]
    office.server.faults["find"] = [Answer(504, "UnknownError", "")] * 10_000

    mail = await office.mail().run()

    assert mail.shown == ["sending", "uncertain"]
    assert timedelta(hours=24) < mail.waited < timedelta(hours=25)
    assert office.server.asked["find"] < 150


@pytest.mark.parametrize("purges", [True, False])
async def test_after_a_refusal_for_good_no_draft_is_left_not_even_a_deleted_one(office: Office, purges: bool) -> None:
    office.server.purges = purges
    office.server.faults["send"] = [Answer(403, "ErrorSendAsDenied", "Not allowed")]

    mail = await office.mail().run()

    assert (mail.shown, office.server.items) == (["failed"], {})


async def test_a_mailbox_that_cannot_be_asked_is_not_tidy(office: Office) -> None:
    office.server.faults["find"] = [Answer(504, "UnknownError", "")]

    assert not await office.transport.discard("rep@acme.example", KEY)
    assert await office.transport.discard("rep@acme.example", KEY)


async def test_tidying_leaves_what_was_sent(office: Office) -> None:
    await office.transport.send(office.again())

    assert await office.transport.discard("rep@acme.example", KEY)
    assert len(office.server.items) == 1


async def test_a_mailbox_gets_four_requests_at_a_time(office: Office) -> None:
    office.server.slowness = 0.005

    outcomes = await asyncio.gather(*(office.transport.send(office.again(key=f"key-{number}")) for number in range(40)))

    assert [type(outcome) for outcome in outcomes] == [Accepted] * 40
    assert office.server.most_at_once == 4
    assert len(office.server.sent) == 40


async def test_forty_mails_of_one_sender_from_four_processes_are_out_within_minutes(office: Office) -> None:
    """Together they are too fast for the mailbox, which says so."""
    office.server.slowness = 0.005
    processes = [office.make() for _ in range(4)]
    left = {f"key-{number}": office.again(key=f"key-{number}") for number in range(40)}
    due = dict.fromkeys(left, office.clock.now())
    asks: set[str] = set()
    while left:
        now = [key for key in left if due[key] <= office.clock.now()]

        async def step(key: str) -> Any:
            transport, envelope = processes[int(key[4:]) % 4], left[key]
            return await (transport.after_doubt(envelope) if key in asks else transport.send(envelope))

        for key, outcome in zip(now, await asyncio.gather(*map(step, now)), strict=True):
            if isinstance(outcome, Accepted):
                del left[key]
            elif isinstance(outcome, Underway):
                asks.add(key)
                due[key] += outcome.ask_again
            else:
                assert isinstance(outcome, Paced)
                due[key] += outcome.wait
                left[key] = replace(left[key], earlier="settled", tried_at=due[key])
        office.clock.move(seconds=1)
    for process in processes:
        await process.close()

    assert len(office.server.sent) == 40
    assert office.clock.now() - START < timedelta(minutes=3)
