"""The sending state machine: never twice, never lost, never guessed."""

from __future__ import annotations

import asyncio

import pytest

from lib.compose import ComposeError
from lib.messages import StoredMessage
from lib.outbox import BACKOFF, LEASE
from lib.repository import Stale
from lib.schedule import Wake, read_wake
from lib.transports import Outcome, Refused
from lib.transports.memory import MemoryTransport
from lib.transports.protocol import Envelope
from tests.heed import Heed

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
    heed, transport, message = await heed_with()
    outbox, store = heed.services.outbox, heed.services.messages
    loaded = await store.load("acme", message)
    assert loaded
    await outbox.deliver("acme", message)

    with pytest.raises(Stale):  # the other one had read the row before
        await outbox._claim_and_send("acme", loaded)

    assert len(transport.sent) == 1


async def test_a_worker_that_died_after_claiming_is_followed_by_another() -> None:
    heed, transport, message = await heed_with()
    await claim(heed, message, "claimed")

    await heed.services.outbox.deliver("acme", message)
    assert (await state(heed, message), transport.sent) == ("claimed", [])

    heed.clock.move(seconds=LEASE.total_seconds() + 1)
    await heed.services.outbox.deliver("acme", message)
    assert await state(heed, message) == "sent"
    assert len(transport.sent) == 1


async def test_a_worker_that_died_while_submitting_leaves_an_uncertain_message() -> None:
    heed, transport, message = await heed_with()
    await claim(heed, message, "submitting")

    heed.clock.move(seconds=LEASE.total_seconds() + 1)
    await heed.services.outbox.deliver("acme", message)
    await heed.services.outbox.deliver("acme", message)

    assert await state(heed, message) == "uncertain"
    assert transport.sent == []


async def test_while_the_lease_lasts_the_message_is_looked_at_again_when_it_is_over() -> None:
    heed, _, message = await heed_with()
    await claim(heed, message, "submitting")
    queues = heed.storage.queues
    queues.waiting.clear()  # type: ignore[attr-defined]

    await heed.services.outbox.deliver("acme", message)

    [wake] = queues.waiting  # type: ignore[attr-defined]
    assert (wake.queue, wake.delay) == ("outbox", LEASE)


async def claim(heed: Heed, message: str, step: str) -> None:
    """What a worker that dies in this step leaves behind."""
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    update = {"state": step, "lease_until": heed.clock.now() + LEASE, "attempts": 1}
    await heed.services.messages.change("acme", loaded.message.model_copy(update=update), loaded.etag)


async def test_temporary_refusals_are_tried_again_with_growing_pauses_until_it_fails() -> None:
    heed, transport, message = await heed_with(*[BUSY] * 10)

    pauses = []
    for _ in range(len(BACKOFF) + 1):
        await heed.services.outbox.deliver("acme", message)
        loaded = await heed.services.messages.load("acme", message)
        assert loaded
        if loaded.message.state == "scheduled":
            assert loaded.message.due_at
            pauses.append(loaded.message.due_at - heed.clock.now())
            heed.clock.move(seconds=pauses[-1].total_seconds())

    assert tuple(pauses) == BACKOFF
    assert len(transport.sent) == len(BACKOFF) + 1
    assert await state(heed, message) == "failed"


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
     b'{"v": 1, "org": "acme", "message": "x\' or 1 eq 1"}', b"\xff\xfe"],
)  # fmt: skip
def test_a_queue_message_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_wake(body)


def test_a_wake_reads_as_it_was_written() -> None:
    wake = Wake("acme", "ab" * 16)

    assert read_wake(wake.to_json().encode()) == wake


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
    monkeypatch.setattr("lib.gateways.LIMIT", 0.05)
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
