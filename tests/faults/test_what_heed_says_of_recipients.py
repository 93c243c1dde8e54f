"""Mail servers refuse, limit, stall, drop and restart; all of Heed says of each recipient what the server saw."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from lib.clock import SetClock
from lib.sending.tries import GIVE_UP_AFTER
from tests.faults.hosts import Host, memory_host
from tests.faults.jobs import Tick
from tests.faults.mail_servers import KINDS, ScriptedServer, started
from tests.faults.postfix import PATIENCE
from tests.faults.truth import at_rest, is_true, people, told_of, told_to_go
from tests.support.heed import START
from tests.support.mail_server import Answers, Behaviour, Drops, IsSilent, MailServer, TakesAndDrops, TakesAndIsSilent

BOTH = pytest.mark.parametrize("kind", KINDS)
DIVIDED = pytest.mark.parametrize("divided", ["common", "split"])
LATER, NEVER = "451 4.3.0 Try again later", "550 5.1.1 Nobody of that name"


@asynccontextmanager
async def heed_before(server: ScriptedServer, divided: str = "common", **settings: str) -> AsyncIterator[Host]:
    """All of Heed, sending over that server; a mail goes in one copy, or in copies for each."""
    async with memory_host({**server.settings, **settings}, clock=SetClock(START)) as host:
        if divided == "split":
            await host.heed.organization("acme", mixed_recipients="split")
        yield host


@asynccontextmanager
async def both(kind: str, divided: str = "common", **limits: Any) -> AsyncIterator[tuple[Host, ScriptedServer]]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(started(kind, **limits))
        # Short enough for what comes too late, long enough for a busy machine.
        host = await stack.enter_async_context(heed_before(server, divided, HEED_SMTP_TIMEOUT=str(PATIENCE)))
        yield host, server


@BOTH
@DIVIDED
async def test_who_is_refused_for_now_is_pending_and_gets_it_a_minute_later(kind: str, divided: str) -> None:
    ada, bob = people(2)
    async with both(kind, divided) as (host, server):
        server.will_say_of(bob, LATER)
        message = await told_to_go(host, [ada, bob])

        await host.hand_over()
        told = await is_true(host, server, message)
        assert told.states == {ada: "accepted", bob: "pending"}
        assert (told.deliveries[bob]["code"], told.status) == ("451", "sent")
        told = await at_rest(host, server, message)

        assert told.states == {ada: "accepted", bob: "accepted"}
        assert server.asked == {ada: 1, bob: 2}


@BOTH
@DIVIDED
async def test_more_recipients_than_a_server_takes_all_have_it_once(kind: str, divided: str) -> None:
    everybody = people(120)
    async with both(kind, divided, most_recipients=100) as (host, server):
        message = await told_to_go(host, everybody)

        told = await at_rest(host, server, message)

        assert told.states == dict.fromkeys(everybody, "accepted")


@BOTH
@DIVIDED
async def test_who_is_refused_for_good_is_named_and_the_others_have_it(kind: str, divided: str) -> None:
    ada, bob, cy = people(3)
    async with both(kind, divided) as (host, server):
        server.will_say_of(bob, NEVER)
        message = await told_to_go(host, [ada, bob, cy])

        told = await at_rest(host, server, message)

        assert told.states == {ada: "accepted", bob: "refused", cy: "accepted"}
        assert told.deliveries[bob]["code"] == "550"
        assert "5.1.1" in told.deliveries[bob]["text"]
        assert "Nobody of that name" in told.deliveries[bob]["text"]
        assert server.asked[bob] == 1


@BOTH
@DIVIDED
async def test_greylisting_delays_everybody_and_loses_nobody(kind: str, divided: str) -> None:
    everybody = people(5)
    async with both(kind, divided) as (host, server):
        for person in everybody:
            server.will_say_of(person, *["450 4.2.0 Greylisted"] * 2)
        message = await told_to_go(host, everybody)

        await host.hand_over()
        assert (await is_true(host, server, message)).states == dict.fromkeys(everybody, "pending")
        told = await at_rest(host, server, message)

        assert told.states == dict.fromkeys(everybody, "accepted")


@BOTH
@DIVIDED
async def test_everybody_refused_is_a_failed_mail_that_names_each(kind: str, divided: str) -> None:
    ada, bob = people(2)
    async with both(kind, divided) as (host, server):
        server.will_say_of(ada, NEVER)
        server.will_say_of(bob, "554 5.7.1 Not welcome")
        message = await told_to_go(host, [ada, bob])

        told = await at_rest(host, server, message)

        assert (told.status, told.states) == ("failed", {ada: "refused", bob: "refused"})


@BOTH
@DIVIDED
async def test_a_mixture_of_answers_ends_for_each_as_the_server_saw_it(kind: str, divided: str) -> None:
    everybody = people(12)
    async with both(kind, divided, most_recipients=5) as (host, server):
        server.will_say_of(everybody[1], LATER, "450 4.2.1 Busy")
        server.will_say_of(everybody[2], NEVER)
        server.will_say_of(everybody[4], "452 4.2.2 Full", "552 5.2.2 Full")
        server.will_say_of(everybody[7], LATER, NEVER)
        server.will("250 OK", "451 4.3.0 Not now")
        server.will_take_and_not_say_so()
        message = await told_to_go(host, everybody)

        told = await at_rest(host, server, message)

        refused = [email for email, state in told.states.items() if state == "refused"]
        assert refused == [everybody[2], everybody[4], everybody[7]]
        assert "uncertain" in told.states.values()


@BOTH
@DIVIDED
async def test_a_mail_in_doubt_is_not_sent_again_by_itself_and_a_person_can_have_that_done(
    kind: str, divided: str
) -> None:
    everybody = people(3)
    async with both(kind, divided) as (host, server):
        server.will_take_and_not_say_so()
        message = await told_to_go(host, everybody)
        told = await at_rest(host, server, message)
        doubtful = [email for email, state in told.states.items() if state == "uncertain"]
        assert doubtful == (everybody if divided == "common" else everybody[:1])

        host.clock.move(hours=48)
        await at_rest(host, server, message)
        assert set(server.asked.values()) == {1}
        await host.heed.post(f"/messages/{message}/resolve", {"as": "resend"})
        await host.settle()
        await server.settle()

        assert {email: server.times(email) for email in everybody} == {
            email: 2 if email in doubtful else 1 for email in everybody
        }


@BOTH
@DIVIDED
async def test_a_partly_refused_mail_sent_again_reaches_those_who_have_not_got_it(kind: str, divided: str) -> None:
    everybody = people(4)
    async with both(kind, divided) as (host, server):
        server.will_say_of(everybody[1], NEVER)
        server.will_say_of(everybody[2], NEVER, NEVER)
        message = await told_to_go(host, everybody)
        await at_rest(host, server, message)

        host.clock.move(minutes=5)
        await host.heed.post(f"/messages/{message}/send")
        told = await at_rest(host, server, message)
        assert told.states == {**dict.fromkeys(everybody, "accepted"), everybody[2]: "refused"}

        host.clock.move(minutes=5)
        await host.heed.post(f"/messages/{message}/send")
        told = await at_rest(host, server, message)
        assert told.states == dict.fromkeys(everybody, "accepted")
        assert server.asked == dict(zip(everybody, (1, 2, 3, 1), strict=True))


@BOTH
@DIVIDED
async def test_a_failed_mail_that_was_mended_goes_to_those_whom_it_then_names(kind: str, divided: str) -> None:
    adda, bob, ada = "adda@example.com", "bob@example.com", "ada@example.com"
    async with both(kind, divided) as (host, server):
        server.will_say_of(adda, NEVER)
        server.will_say_of(bob, NEVER)
        message = await told_to_go(host, [adda, bob])
        assert (await at_rest(host, server, message)).status == "failed"

        host.clock.move(minutes=5)
        change = {"to": [{"email": ada}, {"email": bob}], "html": "<p>Mended</p>"}
        assert (await host.heed.api("PATCH", f"/messages/{message}", change)).status == 200
        await host.heed.post(f"/messages/{message}/send")
        told = await at_rest(host, server, message)

        assert told.states == {ada: "accepted", bob: "accepted"}
        assert server.asked == {adda: 1, bob: 2, ada: 1}
        assert all(b"Mended" in mail for mail in server.mails.values())


@DIVIDED
async def test_who_is_refused_for_now_for_a_day_is_refused_then(divided: str) -> None:
    ada, bob, cy = people(3)
    async with MailServer() as server, heed_before(server, divided) as host:
        server.rule = lambda email: None if email == ada else LATER
        message = await told_to_go(host, [ada, bob, cy])

        told = await at_rest(host, server, message)

        assert told.states == {ada: "accepted", bob: "refused", cy: "refused"}
        assert host.clock.now() - START < GIVE_UP_AFTER + timedelta(hours=1)
        assert 8 <= server.asked[bob] <= 20
        assert server.asked[ada] == 1


@DIVIDED
async def test_who_is_taken_just_before_a_day_is_over_has_it(divided: str) -> None:
    ada, bob = people(2)
    async with MailServer() as server, heed_before(server, divided) as host:
        server.rule = lambda email: LATER if email == bob and host.clock.now() < START + GIVE_UP_AFTER else None
        message = await told_to_go(host, [ada, bob])

        assert (await at_rest(host, server, message)).states == {ada: "accepted", bob: "accepted"}


async def test_a_server_that_takes_nothing_for_a_day_leaves_a_failed_mail() -> None:
    everybody = people(3)
    async with MailServer() as server, heed_before(server) as host:
        server.will(*[LATER] * 100)
        message = await told_to_go(host, everybody)

        told = await at_rest(host, server, message)

        assert (told.status, set(told.states.values())) == ("failed", {"refused"})
        assert not server.received


@DIVIDED
async def test_a_drop_after_the_end_of_a_second_hand_over_leaves_doubt_about_that_one_alone(divided: str) -> None:
    everybody = people(12)
    async with MailServer(most_recipients=5) as server, heed_before(server, divided) as host:
        server.will("250 OK", TakesAndDrops())
        message = await told_to_go(host, everybody)

        told = await at_rest(host, server, message)

        doubtful = everybody[5:10] if divided == "common" else everybody[1:2]
        assert [email for email, state in told.states.items() if state == "uncertain"] == doubtful
        assert {email: server.times(email) for email in everybody} == dict.fromkeys(everybody, 1)


@DIVIDED
async def test_a_server_that_was_started_anew_gets_what_it_had_not(divided: str) -> None:
    everybody = people(6)
    async with MailServer() as server, heed_before(server, divided) as host:
        server.will_say_of(everybody[3], Drops())
        server.stop()
        message = await told_to_go(host, everybody)
        await host.hand_over()
        assert "accepted" not in (await is_true(host, server, message)).states.values()

        host.clock.move(minutes=20)
        await server.start()
        told = await at_rest(host, server, message)

        assert told.states == dict.fromkeys(everybody, "accepted")


async def test_connections_that_have_fallen_silent_cost_a_mail_one_new_connection() -> None:
    async with MailServer() as server, heed_before(server, HEED_SMTP_TIMEOUT=str(PATIENCE)) as host:
        ready = asyncio.Event()
        server.will_wait_for(ready, 4)
        earlier = [await told_to_go(host, [person]) for person in people(4)]
        wakes = await host.take_all()
        going = [asyncio.create_task(host.do(wake)) for wake in wakes]
        await server.has_mails(4)
        ready.set()
        await asyncio.gather(*going)
        assert server.connections == 4
        server.fall_silent()

        message = await told_to_go(host, ["ada@example.com"])
        await host.hand_over()

        assert (await is_true(host, server, message)).states == {"ada@example.com": "accepted"}
        assert server.connections == 5
        for each in earlier:
            assert (await is_true(host, server, each)).status == "sent"


async def test_a_server_that_wants_no_second_mail_on_a_connection_gets_it_on_a_new_one_at_once() -> None:
    ada, bob = people(2)
    async with MailServer() as server, heed_before(server) as host:
        server.most_mails = 1
        for person in (ada, bob):
            message = await told_to_go(host, [person])
            await host.hand_over()
            assert (await is_true(host, server, message)).states == {person: "accepted"}
        assert server.connections == 2


async def test_a_hand_over_that_outlives_several_leases_is_never_in_doubt_and_brings_one_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lib.sending.copies_outbox.RENEW_EVERY", 0.01)
    everybody = people(60)
    async with MailServer() as server, heed_before(server) as host:
        server.rcpt_seconds = 0.02
        message = await told_to_go(host, everybody)
        [wake] = await host.take_all()
        going, looks = asyncio.create_task(host.do(wake)), 0
        await server.is_asked()
        while not going.done():
            told = await told_of(host, message)
            assert (told.status, set(told.states.values())) in [("sending", {"waiting"}), ("sent", {"accepted"})]
            host.clock.move(minutes=2)
            await asyncio.sleep(0.05)
            await host.hand_over()
            looks += 1
            host.come_again(wake)

        assert looks > 5
        assert (await at_rest(host, server, message)).states == dict.fromkeys(everybody, "accepted")
        assert server.transactions == [60]


async def test_one_over_whom_a_server_always_breaks_off_keeps_nobody_else_from_the_mail() -> None:
    ada, bob, cy = people(3)
    async with MailServer() as server, heed_before(server) as host:
        server.rule = lambda email: "421 4.3.2 Closing" if email == bob else None
        message = await told_to_go(host, [ada, bob, cy])

        told = await at_rest(host, server, message)

        assert told.states == {ada: "accepted", bob: "refused", cy: "accepted"}


OF_RECIPIENTS: list[tuple[int, Behaviour]] = [
    (24, Answers("250 OK")),
    (6, Answers("450 4.2.0 Greylisted")),
    (3, Answers("452 4.2.2 Full")),
    (2, Answers("452 4.5.3 Too many recipients")),
    (2, Answers("552 Too many")),
    (3, Answers(NEVER)),
    (1, Answers("421 4.3.2 Closing")),
    (1, Drops()),
]
OF_MAILS: list[tuple[int, Behaviour]] = [
    (8, Answers("250 OK")),
    (3, Answers(LATER)),
    (1, Answers("554 5.6.0 Never")),
    (1, TakesAndDrops()),
    (1, TakesAndIsSilent()),
    (1, Drops()),
    (1, IsSilent()),
]


def by_chance(chance: random.Random, answers: list[tuple[int, Behaviour]], count: int) -> list[Behaviour]:
    return chance.choices([each for _, each in answers], [weight for weight, _ in answers], k=count)


@pytest.mark.parametrize("seed", range(40))
async def test_whatever_a_server_answers_over_time_what_is_said_of_everybody_is_true(seed: int) -> None:
    chance = random.Random(seed)
    everybody = people(chance.randint(1, 20))
    limit, divided = chance.choice([None, 3, 10]), chance.choice(["common", "split"])
    async with MailServer(limit) as server, heed_before(server, divided, HEED_SMTP_TIMEOUT="0.5") as host:
        for person in everybody:
            server.will_say_of(person, *by_chance(chance, OF_RECIPIENTS, chance.randint(0, 6)))
        server.will(*by_chance(chance, OF_MAILS, 8))
        message = await told_to_go(host, everybody)

        told = await at_rest(host, server, message)
        while told.status == "sent" and "refused" in told.states.values() and chance.random() < 0.8:
            host.clock.move(minutes=10)
            await host.heed.post(f"/messages/{message}/send")
            told = await at_rest(host, server, message)

        asked = server.asked.copy()
        host.clock.move(hours=72)
        await host.settle()
        assert server.asked == asked


def sending(host: Host, message: str) -> asyncio.Task[object]:
    """A worker of its own."""
    return asyncio.create_task(host.heed.services.outbox.deliver("acme", message))


async def ends(worker: asyncio.Task[object]) -> None:
    worker.cancel()
    await asyncio.wait({worker})
    assert worker.cancelled()


@DIVIDED
@pytest.mark.parametrize("mails", [0, 1, 2])
async def test_a_worker_that_ends_within_a_mail_leaves_doubt_only_about_what_it_had_begun(
    divided: str, mails: int
) -> None:
    everybody, going_on = people(12), asyncio.Event()
    async with MailServer(most_recipients=5) as server, heed_before(server, divided) as host:
        server.will(*["250 OK"] * mails)
        server.will_wait_for(going_on, 1)
        message = await told_to_go(host, everybody)
        worker = sending(host, message)
        await server.has_mails(mails + 1)
        await ends(worker)
        going_on.set()

        told = await at_rest(host, server, message)

        doubtful = everybody if divided == "common" else everybody[mails : mails + 1]
        assert [email for email, state in told.states.items() if state == "uncertain"] == doubtful
        assert set(told.states.values()) <= {"accepted", "uncertain"}


async def test_a_worker_that_ends_before_it_has_named_everybody_leaves_doubt_for_it_cannot_tell() -> None:
    everybody = people(3)
    async with MailServer() as server, heed_before(server) as host:
        server.will_say_of(everybody[1], Answers(when=asyncio.Event()))
        message = await told_to_go(host, everybody)
        worker = sending(host, message)
        await server.is_asked()
        await ends(worker)

        told = await at_rest(host, server, message)

        assert told.states == dict.fromkeys(everybody, "uncertain")
        assert not server.received


@DIVIDED
@pytest.mark.parametrize("after", [1, 2])
async def test_a_worker_that_ends_in_a_later_round_leaves_those_of_the_first_one_alone(
    divided: str, after: int
) -> None:
    ada, bob, cy = people(3)
    going_on = asyncio.Event()
    async with MailServer() as server, heed_before(server, divided) as host:
        server.will_say_of(bob, *[LATER] * after)
        server.will(*["250 OK"] * (1 if divided == "common" else 2))
        server.will_wait_for(going_on, 1)
        message = await told_to_go(host, [ada, bob, cy])
        for _ in range(after):
            await host.hand_over()
            assert (await is_true(host, server, message)).states == {ada: "accepted", bob: "pending", cy: "accepted"}
            host.clock.move(minutes=6)
            await host.do(Tick("sweep_due"))
        worker = sending(host, message)
        await server.has_mails(2 if divided == "common" else 3)
        await ends(worker)
        going_on.set()

        told = await at_rest(host, server, message)

        assert told.states == {ada: "accepted", bob: "uncertain", cy: "accepted"}
