"""A mail server takes its time over everything; a hand-over ends before the Functions host ends the process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from lib.transports import Accepted, Envelope, Outcome, Refused, Unknown
from lib.transports.smtp import SmtpTransport
from tests.faults.hosts import memory_host
from tests.faults.truth import at_rest, is_true, people, told_to_go
from tests.support.heed import START, mail_server_of
from tests.support.mail_server import Answers, IsSilent, MailServer

MAIL = b"From: rep@acme.example\r\nMessage-ID: <1@acme.example>\r\n\r\nHi\r\n"


@dataclass
class Stopwatch:
    """Seconds that go by only when somebody says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def slow(server: MailServer, watch: Stopwatch, seconds: float) -> None:
    """Each answer to RCPT takes so long."""

    def answer(recipient: str) -> None:
        watch.now += seconds

    server.rule = answer


async def outcome_of(server: MailServer, watch: Stopwatch, count: int, patience: float = 20) -> Outcome:
    smtp = SmtpTransport(mail_server_of({**server.settings, "HEED_SMTP_TIMEOUT": str(patience)}), watch)
    try:
        return await smtp.send(Envelope("rep@acme.example", tuple(people(count)), MAIL))
    finally:
        await smtp.close()


async def test_sixty_recipients_at_two_seconds_each_get_it_in_one_transaction() -> None:
    watch = Stopwatch()
    async with MailServer() as server:
        slow(server, watch, 2.2)
        assert await outcome_of(server, watch, 60) == Accepted()
        assert server.transactions == [60]


async def test_those_who_were_named_within_three_minutes_get_it_and_the_others_in_a_further_transaction() -> None:
    watch = Stopwatch()
    async with MailServer() as server:
        slow(server, watch, 3)
        assert await outcome_of(server, watch, 100) == Accepted()
        assert server.transactions == [61, 39]
        assert {server.times(email) for email in people(100)} == {1}


async def test_for_whom_there_is_no_time_left_is_refused_for_now_and_was_not_named() -> None:
    watch = Stopwatch()
    async with MailServer() as server:
        slow(server, watch, 3)
        outcome = await outcome_of(server, watch, 300)

        assert isinstance(outcome, Accepted)
        assert watch.now < 400
        assert len(outcome.refused) == 300 - sum(server.transactions)
        assert {(each.code, each.temporary) for each in outcome.refused} == {("slow", True)}
        assert all(server.asked[each.address] == 0 for each in outcome.refused)


async def test_a_server_that_refuses_everybody_slowly_comes_to_an_end_too() -> None:
    watch = Stopwatch()
    async with MailServer() as server:

        def answer(recipient: str) -> str:
            watch.now += 20
            return "550 5.1.1 unknown"

        server.rule = answer
        outcome = await outcome_of(server, watch, 300)

        assert isinstance(outcome, Refused)
        assert outcome.temporary
        assert watch.now < 400
        assert (outcome.code, {each.code for each in outcome.recipients}) == ("slow", {"550"})


@pytest.mark.parametrize("at_the_end", [False, True])
async def test_whatever_one_answer_may_take_the_hand_over_ends_in_its_time(
    monkeypatch: pytest.MonkeyPatch, at_the_end: bool
) -> None:
    monkeypatch.setattr("lib.transports.smtp._LONGEST", 0.5)
    async with MailServer() as server:
        if at_the_end:
            server.will(IsSilent())
        else:
            server.will_say_of(people(3)[1], IsSilent())
        async with asyncio.timeout(120):
            outcome = await outcome_of(server, Stopwatch(), 3, patience=300)

        assert isinstance(outcome, Unknown if at_the_end else Refused)


async def test_everybody_gets_a_mail_from_a_slow_server_within_the_hour_each_once() -> None:
    everybody, watch = people(500), Stopwatch()
    async with MailServer() as server, memory_host(server.settings, monotonic=watch) as host:
        slow(server, watch, 2.2)
        message = await told_to_go(host, everybody)

        await host.hand_over()
        states = (await is_true(host, server, message)).states
        assert set(states.values()) == {"accepted", "pending"}
        told = await at_rest(host, server, message)

        assert told.states == dict.fromkeys(everybody, "accepted")
        assert host.clock.now() - START < timedelta(hours=1)
        assert set(server.asked.values()) == {1}


async def test_one_who_is_refused_for_now_beside_others_for_whom_time_ran_out_is_tried_as_ever() -> None:
    everybody, watch = people(200), Stopwatch()
    async with MailServer() as server, memory_host(server.settings, monotonic=watch) as host:
        slow(server, watch, 4)
        server.will_say_of(everybody[0], *[Answers("451 4.3.0 later")] * 3)
        message = await told_to_go(host, everybody)

        assert (await at_rest(host, server, message)).states == dict.fromkeys(everybody, "accepted")
