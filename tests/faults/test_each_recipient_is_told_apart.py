"""Two mail servers refuse, limit, stall and drop; of each recipient the transport says what the server saw."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from lib.transports import Accepted, Envelope, Outcome, RecipientRefusal, Refused, Unknown
from lib.transports.smtp import SmtpTransport
from tests.faults.mail_servers import KINDS, ScriptedServer, started
from tests.faults.postfix import PATIENCE, running_postfix, why_not
from tests.support.heed import mail_server_of
from tests.support.mail_server import Drops, MailServer

BOTH = pytest.mark.parametrize("kind", KINDS)
Make = Callable[..., SmtpTransport]


@pytest.fixture
async def transport() -> AsyncIterator[Make]:
    """Makes transports to a server; ends them after the test."""
    made: list[SmtpTransport] = []

    def make(server: ScriptedServer | MailServer, timeout: float = 20) -> SmtpTransport:
        made.append(SmtpTransport(mail_server_of({**server.settings, "HEED_SMTP_TIMEOUT": str(timeout)})))
        return made[-1]

    yield make
    for each in made:
        await each.close()


def people(count: int) -> tuple[str, ...]:
    return tuple(f"person{number}@example.com" for number in range(count))


def mail(recipients: Sequence[str], number: int = 1, size: int = 0) -> Envelope:
    head = f"From: rep@acme.example\r\nSubject: Hello\r\nMessage-ID: <{number}@acme.example>\r\n\r\n"
    return Envelope("rep@acme.example", tuple(recipients), head.encode() + b"x" * 70 + b"\r\nlines\r\n" * (size // 9))


def told(outcome: Outcome, recipients: Sequence[str]) -> dict[str, str]:
    """What the transport says became of each recipient: accepted, later, never or unknown."""
    assert isinstance(outcome, Accepted | Refused | Unknown)
    if isinstance(outcome, Accepted):
        said = dict.fromkeys(recipients, "accepted") | dict.fromkeys(outcome.unknown, "unknown")
        return said | reasons(outcome.refused)
    if isinstance(outcome, Unknown):
        return dict.fromkeys(recipients, "unknown") | reasons(outcome.refused)
    return dict.fromkeys(recipients, "later" if outcome.temporary else "never") | reasons(outcome.recipients)


def reasons(refusals: Sequence[RecipientRefusal]) -> dict[str, str]:
    return {each.address: "later" if each.temporary else "never" for each in refusals}


async def check(server: ScriptedServer, said: dict[str, str]) -> None:
    """Those who were accepted have it once, those who were refused have not; nobody has it twice."""
    await server.settle()
    for recipient, state in said.items():
        times = server.times(recipient)
        assert times == {"accepted": 1, "later": 0, "never": 0}.get(state, min(times, 1)), (recipient, state, times)


@BOTH
async def test_who_is_refused_is_named_with_code_and_text_and_the_others_have_it(kind: str, transport: Make) -> None:
    everybody = people(4)
    async with started(kind) as server:
        server.will_say_of(everybody[1], "451 4.3.0 Try again later")
        server.will_say_of(everybody[3], f"550 5.1.1 {everybody[3]} is unknown here")
        outcome = await transport(server).send(mail(everybody))

        assert isinstance(outcome, Accepted)
        assert [(each.address, each.code, each.temporary) for each in outcome.refused] == [
            (everybody[1], "451", True),
            (everybody[3], "550", False),
        ]
        assert "4.3.0" in outcome.refused[0].text
        assert "Try again later" in outcome.refused[0].text
        assert "5.1.1" in outcome.refused[1].text
        assert not any("@" in each.text for each in outcome.refused)
        await check(server, told(outcome, everybody))


@BOTH
async def test_who_was_refused_for_now_gets_it_later_and_nobody_twice(kind: str, transport: Make) -> None:
    everybody = people(3)
    async with started(kind) as server:
        server.will_say_of(everybody[0], "450 4.2.0 Greylisted", "450 4.2.0 Greylisted")
        smtp = transport(server)
        pending, tries = list(everybody), 0
        while pending:
            said = told(await smtp.send(mail(pending)), pending)
            pending, tries = [each for each in pending if said[each] == "later"], tries + 1

        assert tries == 3
        await check(server, dict.fromkeys(everybody, "accepted"))


@BOTH
async def test_more_recipients_than_a_server_takes_get_it_in_several_hand_overs(kind: str, transport: Make) -> None:
    everybody = people(120)
    async with started(kind, most_recipients=100) as server:
        smtp = transport(server)

        assert await smtp.send(mail(everybody)) == Accepted()

        await check(server, dict.fromkeys(everybody, "accepted"))
        server.asked.clear()
        assert await smtp.send(mail(everybody, 2)) == Accepted()
        assert set(server.asked.values()) == {1}, "the limit is known by now"


@BOTH
@pytest.mark.parametrize(("answer", "state"), [("451 4.3.0 Later", "later"), ("554 5.7.1 Never", "never")])
async def test_a_mail_that_is_refused_at_its_end_has_reached_nobody(
    kind: str, transport: Make, answer: str, state: str
) -> None:
    everybody = people(3)
    async with started(kind) as server:
        server.will_say_of(everybody[0], "550 5.1.1 unknown")
        server.will(answer)
        outcome = await transport(server).send(mail(everybody))

        said = told(outcome, everybody)
        assert isinstance(outcome, Refused)
        assert list(said.values()) == ["never", state, state]
        await check(server, said)


@BOTH
async def test_what_a_second_hand_over_comes_to_does_not_touch_the_first(kind: str, transport: Make) -> None:
    everybody = people(12)
    async with started(kind, most_recipients=5) as server:
        server.will("250 OK", "451 4.3.0 Later")
        outcome = await transport(server).send(mail(everybody))

        said = told(outcome, everybody)
        assert list(said.values()) == ["accepted"] * 5 + ["later"] * 7
        await check(server, said)


@BOTH
async def test_a_hand_over_in_doubt_leaves_those_before_it_accepted_and_those_after_it_for_later(
    kind: str, transport: Make
) -> None:
    everybody = people(12)
    async with started(kind, most_recipients=5) as server:
        server.will("250 OK")
        server.will_take_and_not_say_so()
        outcome = await transport(server, timeout=PATIENCE).send(mail(everybody))

        assert isinstance(outcome, Accepted)
        assert outcome.unknown == everybody[5:10]
        said = told(outcome, everybody)
        assert list(said.values()) == ["accepted"] * 5 + ["unknown"] * 5 + ["later"] * 2
        await check(server, said)


@BOTH
async def test_a_first_hand_over_in_doubt_says_who_certainly_has_nothing(kind: str, transport: Make) -> None:
    everybody = people(7)
    async with started(kind, most_recipients=5) as server:
        server.will_say_of(everybody[1], "550 5.1.1 unknown")
        server.will_take_and_not_say_so()
        outcome = await transport(server, timeout=PATIENCE).send(mail(everybody))

        assert isinstance(outcome, Unknown)
        said = told(outcome, everybody)
        assert list(said.values()) == ["unknown", "never", *["unknown"] * 4, "later"]
        await check(server, said)


@BOTH
async def test_a_server_that_hangs_up_over_a_recipient_gets_the_mail_for_the_others(kind: str, transport: Make) -> None:
    everybody = people(3)
    async with started(kind) as server:
        server.will_say_of(everybody[2], "421 4.3.2 Closing")
        outcome = await transport(server).send(mail(everybody))

        said = told(outcome, everybody)
        assert list(said.values()) == ["accepted", "accepted", "later"]
        await check(server, said)


@BOTH
async def test_a_mail_larger_than_the_server_takes_is_refused_before_it_is_sent(kind: str, transport: Make) -> None:
    async with started(kind, most_bytes=100_000) as server:
        smtp = transport(server)
        outcome = await smtp.send(mail(people(1), size=100_000))

        assert isinstance(outcome, Refused)
        assert (outcome.temporary, outcome.code) == (False, "size")
        assert "100,000" in outcome.text
        assert smtp.most_bytes == 100_000
        assert not server.asked
        assert await smtp.send(mail(people(1), size=90_000)) == Accepted()


@BOTH
@pytest.mark.parametrize("seed", range(8))
async def test_whatever_a_server_answers_everybody_gets_the_mail_at_most_once(
    kind: str, transport: Make, seed: int
) -> None:
    chance = random.Random(seed)
    everybody = people(chance.randint(1, 25))
    answers = ["250 OK", "450 4.2.1 busy", "452 4.2.2 full", "550 5.1.1 unknown", "552 5.2.2 full", "552 too much"]
    async with started(kind, most_recipients=chance.choice([3, 10, 1000])) as server:
        for recipient in everybody:
            server.will_say_of(recipient, *chance.choices(answers, [9, 1, 1, 1, 1, 1], k=3))
        server.will(*chance.choices(["250 OK", "451 4.3.0 later", "554 5.6.0 never"], [6, 1, 1], k=3))
        smtp, ends, pending = transport(server), dict[str, str](), list(everybody)
        while pending:
            said = told(await smtp.send(mail(pending)), pending)
            await check(server, said)
            pending = [each for each in pending if said[each] == "later"]
            ends |= said

        assert set(ends.values()) <= {"accepted", "never"}
        await check(server, ends)


async def test_a_line_that_breaks_at_a_recipient_is_opened_anew_for_the_others(transport: Make) -> None:
    everybody = people(3)
    async with MailServer() as server:
        server.will_say_of(everybody[1], Drops())
        smtp = transport(server)
        said = told(await smtp.send(mail(everybody)), everybody)
        assert list(said.values()) == ["accepted", "later", "accepted"]
        await check(server, said)


async def test_a_server_that_hangs_up_over_everybody_is_left_alone_soon(transport: Make) -> None:
    everybody = people(50)
    async with MailServer() as server:
        server.rule = lambda recipient: "421 4.3.2 Closing"
        said = told(await transport(server).send(mail(everybody)), everybody)
        assert list(said.values()) == ["later"] * 50
        assert server.connections == 3


async def test_a_limit_without_a_status_code_is_one_only_where_the_next_hand_over_takes_the_recipient(
    transport: Make,
) -> None:
    everybody = people(4)
    async with MailServer() as server:
        server.will_say_of(everybody[1], "452 Too many")
        server.will_say_of(everybody[3], "552 Too many", "552 Mailbox full")
        outcome = await transport(server).send(mail(everybody))

        assert list(told(outcome, everybody).values()) == ["accepted"] * 3 + ["never"]
        assert server.transactions == [1, 2]


async def test_a_hand_over_may_take_longer_than_the_wait_for_one_answer(transport: Make) -> None:
    everybody = people(60)
    async with MailServer() as server:
        server.rcpt_seconds = 0.03
        assert await transport(server, timeout=1).send(mail(everybody)) == Accepted()
        await check(server, dict.fromkeys(everybody, "accepted"))


async def test_addresses_outside_ascii_are_refused_one_by_one_where_the_server_does_not_take_them(
    transport: Make,
) -> None:
    everybody = ("ada@example.com", "ädä@example.com")
    async with MailServer(enable_SMTPUTF8=False) as server:
        outcome = await transport(server).send(mail(everybody))
        assert isinstance(outcome, Accepted)
        [refusal] = outcome.refused
        assert (refusal.address, refusal.code, refusal.temporary) == ("ädä@example.com", "smtputf8", False)
        await check(server, told(outcome, everybody))
    async with MailServer(enable_SMTPUTF8=True) as server:
        assert await transport(server).send(mail(everybody)) == Accepted()
        await check(server, dict.fromkeys(everybody, "accepted"))


async def test_an_idle_connection_that_postfix_has_ended_is_replaced(transport: Make) -> None:
    if missing := why_not():
        pytest.skip(missing)
    async with running_postfix(smtpd_timeout="1s") as server:
        smtp = transport(server)
        assert await smtp.send(mail(people(1))) == Accepted()
        await asyncio.sleep(1.5)
        assert await smtp.send(mail(people(1), 2)) == Accepted()
        await server.settle()
        assert server.times(people(1)[0]) == 2
