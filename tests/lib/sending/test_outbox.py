"""The sending state machine: never twice, never lost, never guessed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from lib.messages.models import Body, StoredMessage
from lib.mime.write import ComposeError
from lib.sending.orders import Discard, Wake, read_order
from lib.sending.tries import BACKOFF, GIVE_UP_AFTER, LEASE
from lib.storage.memory import MemoryQueues
from lib.transports import Accepted, Outcome, Paced, Refused, Underway
from lib.transports.memory import MemoryTransport
from lib.transports.protocol import Envelope
from tests.support.copying import Dies, take_over
from tests.support.heed import START, Heed

BUSY = Refused(temporary=True, code="451", text="The mail server answered 451: later")


async def heed_with(*outcomes: Outcome) -> tuple[Heed, MemoryTransport, str]:
    """Heed whose server gives these answers, and a message that was told to go."""
    transport = MemoryTransport(*outcomes)
    heed = await Heed(transport=transport).start()
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")
    return heed, transport, message


async def state(heed: Heed, message: str) -> str:
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    return loaded.message.state


async def test_a_queue_message_that_comes_three_times_sends_once() -> None:
    heed, transport, message = await heed_with()

    for _ in range(3):
        await heed.services.outbox.deliver("acme", message)

    assert len(transport.sent) == 1
    assert await state(heed, message) == "sent"


async def test_of_two_workers_one_sends() -> None:
    transport = Meets()
    heed = transport.heed = await Heed(transport=transport).start()
    message = transport.message = await heed.draft()
    await heed.post(f"/messages/{message}/send")

    await heed.services.outbox.deliver("acme", message)

    assert len(transport.sent) == 1
    assert await state(heed, message) == "sent"


class Meets(MemoryTransport):
    """While it takes a mail, another worker is woken for it."""

    heed: Heed
    message: str

    async def send(self, envelope: Envelope) -> Outcome:
        outcome = await super().send(envelope)
        if len(self.sent) == 1:
            await self.heed.services.outbox.deliver("acme", self.message)
        return outcome


async def test_of_two_workers_that_have_both_read_the_message_one_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    heed, transport, message = await heed_with()
    store, both = heed.services.messages, asyncio.Barrier(2)
    body = store.body

    async def meet(*about: str) -> Body:
        await both.wait()
        return await body(*about)

    monkeypatch.setattr(store, "body", meet)
    looks = await asyncio.gather(*(heed.services.outbox.deliver("acme", message) for _ in range(2)))

    assert len(transport.sent) == 1
    assert sorted(each.message.state for each in looks if each) == ["sent"]


async def test_a_worker_that_died_while_submitting_leaves_an_uncertain_message() -> None:
    heed, message = await heed_of_one(Dies(1, taken=False))
    with pytest.raises(KeyboardInterrupt):
        await heed.services.outbox.deliver("acme", message)

    loaded = await take_over(heed, message)

    assert isinstance(heed.transport, MemoryTransport)
    assert (loaded.message.state, heed.transport.sent) == ("uncertain", [])


async def heed_of_one(transport: MemoryTransport) -> tuple[Heed, str]:
    heed = await Heed(transport=transport).start()
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")
    return heed, message


async def test_a_message_that_is_held_is_looked_at_again_when_its_lease_has_stood_still() -> None:
    heed, message = await heed_of_one(Dies(1, taken=False))
    with pytest.raises(KeyboardInterrupt):
        await heed.services.outbox.deliver("acme", message)
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    queues.waiting.clear()

    await heed.services.outbox.deliver("acme", message)
    [wake] = queues.waiting
    assert (wake.queue, wake.delay) == ("outbox", LEASE)
    assert await state(heed, message) == "submitting"

    heed.clock.move(seconds=LEASE.total_seconds())
    await heed.work("outbox")
    assert await state(heed, message) == "uncertain"


async def test_a_lease_that_is_over_by_our_clock_alone_is_not_taken() -> None:
    heed, message = await heed_of_one(Dies(1, taken=False))
    with pytest.raises(KeyboardInterrupt):
        await heed.services.outbox.deliver("acme", message)
    heed.clock.move(minutes=10)

    await heed.services.outbox.deliver("acme", message)
    await heed.services.outbox.deliver("acme", message, "another version of the lease")

    assert await state(heed, message) == "submitting"


async def test_temporary_refusals_are_tried_again_for_a_day_with_growing_pauses_until_it_fails() -> None:
    heed, transport, message = await heed_with(*[BUSY] * 30)
    begun = heed.clock.now()

    pauses = []
    while await state(heed, message) != "failed":
        await heed.services.outbox.deliver("acme", message)
        loaded = await heed.services.messages.load("acme", message)
        assert loaded
        if loaded.message.state == "scheduled":
            assert loaded.message.due_at
            pauses.append(loaded.message.due_at - heed.clock.now())
            heed.clock.move(seconds=pauses[-1].total_seconds())

    assert tuple(pauses[: len(BACKOFF)]) == BACKOFF
    assert heed.clock.now() - begun == GIVE_UP_AFTER
    assert len(transport.sent) == len(pauses) + 1


async def test_a_mail_that_waits_for_the_provider_s_pace_uses_up_no_try() -> None:
    heed, transport, message = await heed_with(*[Paced(timedelta(minutes=30))] * 40, BUSY)

    for _ in range(40):
        await heed.services.outbox.deliver("acme", message)
        heed.clock.move(minutes=30)
    await heed.services.outbox.deliver("acme", message)
    heed.clock.move(seconds=BACKOFF[0].total_seconds())
    await heed.services.outbox.deliver("acme", message)

    assert await state(heed, message) == "sent"
    assert [envelope.earlier for envelope in transport.sent] == ["none", *["settled"] * 41]


async def test_a_mail_that_the_provider_s_pace_does_not_allow_within_a_day_fails_and_says_so() -> None:
    heed, _, message = await heed_with(*[Paced(timedelta(minutes=50))] * 100)

    for _ in range(40):
        await heed.services.outbox.deliver("acme", message)
        heed.clock.move(minutes=50)

    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["failure"]["code"]) == ("failed", "pace")


async def test_a_mail_that_the_provider_still_works_on_is_being_sent_until_it_says_so() -> None:
    transport = MemoryTransport(Underway(timedelta(seconds=20)), doubts=[Underway(timedelta(seconds=30)), Accepted()])
    heed, message = await heed_of_one(transport)

    for seconds in (20, 30):
        await heed.services.outbox.deliver("acme", message)
        assert (await heed.get(f"/messages/{message}"))["status"] == "sending"
        await heed.services.outbox.deliver("acme", message)
        heed.clock.move(seconds=seconds)
    await heed.services.outbox.deliver("acme", message)

    assert await state(heed, message) == "sent"
    assert (len(transport.sent), len(transport.doubted)) == (1, 2)


async def test_an_operation_that_fails_late_is_a_mail_that_has_failed() -> None:
    refusal = Refused(False, "Suppressed", "All recipients are suppressed.")
    heed, message = await heed_of_one(MemoryTransport(Underway(timedelta(seconds=20)), doubts=[refusal]))

    await heed.services.outbox.deliver("acme", message)
    heed.clock.move(seconds=20)
    await heed.services.outbox.deliver("acme", message)

    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["failure"]["code"]) == ("failed", "Suppressed")


async def test_a_message_is_not_tried_before_its_time() -> None:
    heed, transport, message = await heed_with(BUSY)
    await heed.services.outbox.deliver("acme", message)

    await heed.services.outbox.deliver("acme", message)

    assert len(transport.sent) == 1


async def test_every_try_has_the_same_message_id() -> None:
    heed, transport, message = await heed_with(BUSY)
    await heed.services.outbox.deliver("acme", message)
    heed.clock.move(minutes=2)
    await heed.services.outbox.deliver("acme", message)

    first, second = (_message_id(envelope) for envelope in transport.sent)
    assert first == second


def _message_id(envelope: Envelope) -> bytes:
    return next(line for line in envelope.mime.splitlines() if line.startswith(b"Message-ID"))


async def test_a_message_that_was_deleted_meanwhile_is_not_sent() -> None:
    heed, transport, message = await heed_with()
    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200

    await heed.work()

    assert transport.sent == []


async def test_the_mail_that_cannot_be_written_fails_and_says_why() -> None:
    heed, transport, message = await heed_with()
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    orphan = loaded.message.model_copy(update={"sender": "gone"})
    await heed.services.messages.change("acme", orphan, loaded.etag)

    await heed.work()

    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["failure"]["code"]) == ("failed", "compose")
    assert transport.sent == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b'{"v": 2, "org": "acme", "message": "x"}', b'{"v": 1, "org": "../x", "message": "x"}',
     b'{"v": 1, "org": "acme", "message": "x\' or 1 eq 1"}', b"\xff\xfe",
     b'{"v": 1, "org": "acme", "message": "%s", "seen": 1}' % (b"ab" * 16),
     b'{"v": 1, "org": "acme", "discard": {"sender": "a b", "key": "k", "until": 1}}',
     b'{"v": 1, "org": "acme", "discard": 1}'],
)  # fmt: skip
def test_a_queue_message_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_order(body)


def test_a_wake_reads_as_it_was_written() -> None:
    wake, discard = Wake("acme", "ab" * 16), Discard("acme", "rep1", "key", START)

    for order in (wake, replace(wake, at=1, times=2), replace(wake, seen='W/"1"'), discard):
        assert read_order(order.to_json().encode()) == order


async def test_who_filters_the_recipients_mail_is_written_before_it_leaves() -> None:
    heed = await Heed(transport=_Looks(), resolve_mx=_mail_servers).start()
    cc = [{"email": "bob@plain.example"}, {"email": "cy@Globex.example"}]
    message = await heed.draft(cc=cc, bcc=[{"email": "dan@example.com"}])
    await heed.post(f"/messages/{message}/send")
    assert isinstance(heed.transport, _Looks)
    heed.transport.heed, heed.transport.message = heed, message

    await heed.work()

    assert heed.transport.seen == ("submitting", ["proofpoint", None, "mimecast", "proofpoint"])
    assert (await _message(heed, message)).gateways == ["proofpoint", None, "mimecast", "proofpoint"]


async def test_a_mail_leaves_with_dns_down() -> None:
    heed = await Heed(resolve_mx=_no_dns).start()

    message = await heed.sent()

    assert (await _message(heed, message)).state == "sent"
    assert (await _message(heed, message)).gateways == []


async def test_a_mail_leaves_when_dns_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.sending.mx_lookup.LIMIT", 0.05)
    heed = await Heed(resolve_mx=_silence).start()

    message = await heed.sent()

    assert (await _message(heed, message)).state == "sent"


async def test_a_mail_that_cannot_be_written_leaves_no_lookup_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    heed = await Heed(resolve_mx=_silence).start()
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")

    async def unwritable(*_: object) -> None:
        await asyncio.sleep(0)
        raise ComposeError("no")

    monkeypatch.setattr(heed.services.preparation, "prepare", unwritable)
    await heed.services.outbox.deliver("acme", message)
    for _ in range(3):
        await asyncio.sleep(0)

    assert await state(heed, message) == "failed"
    assert asyncio.all_tasks() == {asyncio.current_task()}


class _Looks(MemoryTransport):
    """Looks into storage while it takes a mail: `seen` is the message's state and gateways at that moment."""

    heed: Heed
    message: str
    seen: tuple[str, list[str | None]]

    async def send(self, envelope: Envelope) -> Outcome:
        message = await _message(self.heed, self.message)
        self.seen = message.state, message.gateways
        return await super().send(envelope)


async def _message(heed: Heed, message: str) -> StoredMessage:
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    return loaded.message


async def _mail_servers(domain: str) -> list[str]:
    known = {"example.com": "mx0a-1.pphosted.com.", "globex.example": "eu-smtp-inbound-1.mimecast.com."}
    return [known.get(domain, f"mail.{domain}.")]


async def _no_dns(_: str) -> list[str]:
    raise OSError("no name server")


async def _silence(_: str) -> list[str]:
    await asyncio.Event().wait()
    return []
