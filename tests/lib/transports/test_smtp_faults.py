"""What the SMTP transport makes of servers that refuse, hang up or fall silent, step by step.

Until the server has asked for the content every failure is a definite one. From there on only its own answer decides.
"""

import asyncio
import socket
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import suppress
from enum import Enum
from typing import Any

import pytest

from lib.transports import Accepted, Envelope, Outcome, Refused, Unknown
from tests.lib.transports.test_smtp import Transport, transport

__all__ = ["transport"]

MAIL = Envelope("rep@acme.example", ("ada@example.com",), b"Subject: Hello\r\n\r\nHi\r\n")


class Odd(Enum):
    """What a server does in place of an answer."""

    HANGS_UP = 1
    IS_SILENT = 2


USUAL = {"GREETING": "220 ready", "DATA": "354 go on", "QUIT": "221 bye"}


class ScriptedServer:
    """Answers each step with the next of `script[step]`, and as usual when none is left.

    Steps are the commands, GREETING when a client connects, BODY when the mail's first bytes come, and DOT at its end.
    """

    def __init__(self) -> None:
        self.script: defaultdict[str, deque[str | Odd]] = defaultdict(deque)
        self.connections = 0
        self.mails = 0
        self.steps: list[str] = []
        self.seconds_to_read = 0.0
        """How long it waits before it reads on in a mail."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._end = asyncio.Event()

    def will(self, step: str, *answers: str | Odd) -> None:
        self.script[step].extend(answers)

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()

    async def sees_lines(self, count: int) -> None:
        """Wait until clients have closed all but so many connections; one that it is silent on stays open for it."""
        async with asyncio.timeout(60):
            while len(self._writers) != count:  # noqa: ASYNC110 - a server is told of no end by an event
                await asyncio.sleep(0.01)

    async def __aenter__(self) -> "ScriptedServer":
        listening = socket.socket()
        # Little is taken from a line before it is read, so that a slow reader is a slow line.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        listening.bind(("127.0.0.1", 0))
        self._server = await asyncio.start_server(self._serve, sock=listening)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: Any) -> None:
        self._server.close()
        self._end.set()
        self.hang_up()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError, EOFError):
            await self._talk(reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer(writer, "GREETING")
        while line := await reader.readline():
            step = line.split()[0].decode().upper()
            answer = await self._answer(writer, step)
            if step == "DATA" and answer.startswith("354"):
                begun = await reader.read(1)
                if self.script["BODY"]:
                    await self._answer(writer, "BODY")
                await self._read_mail(reader, begun)
                if (await self._answer(writer, "DOT")).startswith("250"):
                    self.mails += 1

    async def _read_mail(self, reader: asyncio.StreamReader, begun: bytes) -> None:
        """To its end, 64 KiB at a time."""
        end = begun
        while not end.endswith(b"\r\n.\r\n"):
            await asyncio.sleep(self.seconds_to_read)
            read = await reader.read(2**16)
            if not read:
                raise EOFError
            end = end[-4:] + read

    async def _answer(self, writer: asyncio.StreamWriter, step: str) -> str:
        self.steps.append(step)
        answer = self.script[step].popleft() if self.script[step] else USUAL.get(step, "250 OK")
        if answer is Odd.HANGS_UP:
            raise EOFError
        if answer is Odd.IS_SILENT:
            await self._end.wait()
            raise EOFError
        assert isinstance(answer, str)
        writer.write(answer.encode("utf-8", "surrogateescape") + b"\r\n")
        await writer.drain()
        return answer


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as made:
        yield made


def kind_of(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return "temporary" if outcome.temporary else "permanent"
    return type(outcome).__name__.lower()


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("421 4.3.2 closing", "temporary"),
        ("450 4.2.1 busy", "temporary"),
        ("451 4.3.0 later", "temporary"),
        ("452 4.2.2 full", "temporary"),
        ("550 5.4.5 Daily user sending limit exceeded", "temporary"),
        ("554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed", "temporary"),
        ("550 5.7.1 no", "permanent"),
        ("552 5.2.2 too large", "permanent"),
        ("554 5.0.0 no", "permanent"),
        ("550-5.7.1 two\r\n550 5.7.1 lines", "permanent"),
    ],
)
async def test_a_refusal_is_definite_at_every_step(
    transport: Transport, server: ScriptedServer, step: str, answer: str, kind: str
) -> None:
    server.will(step, answer)
    outcome = await transport(server.port).send(MAIL)
    assert isinstance(outcome, Refused)
    assert (kind_of(outcome), outcome.code) == (kind, answer[:3])
    assert answer[4:9] in outcome.text
    assert server.mails == 0


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("answer", ["530 5.7.0 Must issue a STARTTLS command first", "538 5.7.11 Encryption required"])
async def test_a_server_that_wants_what_settings_can_give_has_failed_no_mail(
    transport: Transport, server: ScriptedServer, step: str, answer: str
) -> None:
    server.will(step, answer)

    outcome = await transport(server.port).send(MAIL)

    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "login")
    assert answer[:3] in outcome.text


@pytest.mark.parametrize("step", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_who_hangs_up_before_it_asks_for_the_content_has_not_taken_the_mail(
    transport: Transport, server: ScriptedServer, step: str
) -> None:
    server.will(step, *[Odd.HANGS_UP] * 5)
    outcome = await transport(server.port).send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "connection")


@pytest.mark.parametrize("step", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_who_is_silent_before_it_asks_for_the_content_has_not_taken_the_mail(
    transport: Transport, server: ScriptedServer, step: str
) -> None:
    server.will(step, *[Odd.IS_SILENT] * 5)
    outcome = await transport(server.port, timeout="0.3").send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "connection")


@pytest.mark.parametrize("answer", ["554 go away", "421 too many", "nonsense"])
async def test_a_server_that_does_not_greet_has_not_taken_the_mail(
    transport: Transport, server: ScriptedServer, answer: str
) -> None:
    server.will("GREETING", answer)
    outcome = await transport(server.port).send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "connection")


@pytest.mark.parametrize("step", ["BODY", "DOT"])
async def test_who_hangs_up_over_the_content_may_have_taken_the_mail(
    transport: Transport, server: ScriptedServer, step: str
) -> None:
    server.will(step, Odd.HANGS_UP)
    assert isinstance(await transport(server.port).send(MAIL), Unknown)
    assert server.connections == 1


async def test_who_is_silent_after_the_content_may_have_taken_the_mail(
    transport: Transport, server: ScriptedServer
) -> None:
    server.will("DOT", Odd.IS_SILENT)
    assert isinstance(await transport(server.port, timeout="1").send(MAIL), Unknown)
    assert server.connections == 1


@pytest.mark.parametrize("answer", ["nonsense", "199 what", "299 perhaps", "354 go on"])
async def test_an_answer_after_the_dot_that_makes_no_sense_leaves_the_outcome_open(
    transport: Transport, server: ScriptedServer, answer: str
) -> None:
    server.will("DOT", answer)
    assert isinstance(await transport(server.port).send(MAIL), Unknown)


async def test_hanging_up_in_the_middle_of_a_large_mail_leaves_the_outcome_open(
    transport: Transport, server: ScriptedServer
) -> None:
    server.will("BODY", Odd.HANGS_UP)
    large = Envelope(MAIL.sender, MAIL.recipients, MAIL.mime + b"x" * 70 + b"\r\n" * 1_000_000)
    assert isinstance(await transport(server.port).send(large), Unknown)


async def test_a_line_that_failed_is_not_used_again(transport: Transport, server: ScriptedServer) -> None:
    server.will("DOT", Odd.HANGS_UP)
    smtp = transport(server.port)
    assert isinstance(await smtp.send(MAIL), Unknown)
    assert await smtp.send(MAIL) == Accepted()
    assert (server.connections, server.mails) == (2, 1)


async def test_one_connection_serves_mail_after_mail(transport: Transport, server: ScriptedServer) -> None:
    smtp = transport(server.port)
    assert [await smtp.send(MAIL) for _ in range(5)] == [Accepted()] * 5
    assert (server.connections, server.mails) == (1, 5)


@pytest.mark.parametrize("step", ["RCPT", "DATA", "DOT"])
async def test_a_connection_serves_the_next_mail_after_a_refusal(
    transport: Transport, server: ScriptedServer, step: str
) -> None:
    server.will(step, "550 no")
    smtp = transport(server.port)
    assert kind_of(await smtp.send(MAIL)) == "permanent"
    assert await smtp.send(MAIL) == Accepted()
    assert (server.connections, server.mails) == (1, 1)


async def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced(
    transport: Transport, server: ScriptedServer
) -> None:
    smtp = transport(server.port)
    await smtp.send(MAIL)
    server.hang_up()
    assert await smtp.send(MAIL) == Accepted()
    assert (server.connections, server.mails) == (2, 2)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    "farewell",
    [Odd.HANGS_UP, "421 4.4.2 idle for too long", "451 4.4.2 Timeout waiting for data from client", "nonsense"],
)
async def test_a_connection_that_ends_at_its_next_use_is_replaced_and_the_mail_sent_once(
    transport: Transport, server: ScriptedServer, step: str, farewell: str | Odd
) -> None:
    smtp = transport(server.port)
    await smtp.send(MAIL)
    server.will(step, farewell)
    assert await smtp.send(MAIL) == Accepted()
    assert (server.connections, server.mails) == (2, 2)


async def test_after_the_content_not_even_a_used_connection_is_replaced(
    transport: Transport, server: ScriptedServer
) -> None:
    smtp = transport(server.port)
    await smtp.send(MAIL)
    server.will("DOT", Odd.HANGS_UP)
    assert isinstance(await smtp.send(MAIL), Unknown)
    assert (server.connections, server.mails) == (1, 1)


async def test_a_mail_that_was_taken_stays_accepted_when_the_line_breaks_behind_it(
    transport: Transport, server: ScriptedServer
) -> None:
    server.will("RSET", Odd.HANGS_UP)
    smtp = transport(server.port)
    assert await smtp.send(MAIL) == Accepted()
    assert await smtp.send(MAIL) == Accepted()
    assert (server.connections, server.mails) == (2, 2)


@pytest.mark.parametrize("refusal", ["451 4.7.1 Enough mails in this session", "452 4.3.1 Later"])
async def test_a_sender_who_is_refused_for_now_on_a_kept_connection_is_named_again_on_a_new_one(
    transport: Transport, server: ScriptedServer, refusal: str
) -> None:
    smtp = transport(server.port)
    await smtp.send(MAIL)
    server.will("MAIL", refusal)
    assert await smtp.send(MAIL) == Accepted()
    server.will("MAIL", refusal, refusal)
    outcome = await smtp.send(MAIL)
    assert (kind_of(outcome), server.connections, server.mails) == ("temporary", 3, 2)


@pytest.mark.parametrize("silence", [Odd.IS_SILENT, Odd.HANGS_UP])
async def test_after_the_first_dead_connection_none_of_the_kept_ones_is_tried(
    transport: Transport, server: ScriptedServer, silence: Odd
) -> None:
    smtp = transport(server.port, timeout="1")
    await asyncio.gather(*(smtp.send(MAIL) for _ in range(4)))
    assert server.connections == 4
    server.will("RSET", *[silence] * 4)
    assert await smtp.send(MAIL) == Accepted()
    assert (server.connections, server.mails, server.steps.count("RSET")) == (5, 5, 1)
    await server.sees_lines(2 if silence is Odd.IS_SILENT else 1)


async def test_four_silent_connections_keep_a_mail_for_less_than_the_wait_for_one_answer(
    transport: Transport, server: ScriptedServer
) -> None:
    smtp = transport(server.port, timeout="120")
    await asyncio.gather(*(smtp.send(MAIL) for _ in range(4)))
    server.will("RSET", *[Odd.IS_SILENT] * 4)
    async with asyncio.timeout(90):
        assert await smtp.send(MAIL) == Accepted()


async def test_a_connection_that_was_idle_for_minutes_is_not_used_again(
    transport: Transport, server: ScriptedServer
) -> None:
    seconds = 0.0
    smtp = transport(server.port, lambda: seconds)
    await smtp.send(MAIL)
    seconds = 90.0
    await smtp.send(MAIL)
    assert server.connections == 1
    seconds = 200.0
    assert await smtp.send(MAIL) == Accepted()
    assert (server.connections, server.mails, server.steps.count("RSET")) == (2, 3, 1)


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
async def test_every_answer_of_2xx_is_a_yes(transport: Transport, server: ScriptedServer, step: str) -> None:
    server.will(step, "252 cannot say, but takes it")
    assert await transport(server.port).send(MAIL) == Accepted()


async def test_a_server_may_refuse_a_large_mail_in_its_middle(transport: Transport, server: ScriptedServer) -> None:
    server.will("BODY", "552 5.3.4 too large")
    large = Envelope(MAIL.sender, MAIL.recipients, MAIL.mime + b"line\r\n" * 5_000_000)
    outcome = await transport(server.port).send(large)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (False, "552")
    assert server.mails == 0


async def test_a_server_that_hangs_up_behind_its_yes_has_taken_the_mail(transport: Transport) -> None:
    async def take_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while not (await reader.readline()).startswith(b"DATA"):
            writer.write(b"250 OK\r\n")
        writer.write(b"354 go on\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 OK\r\n")
        writer.close()

    server = await asyncio.start_server(take_and_hang_up, "127.0.0.1", 0)
    smtp = transport(server.sockets[0].getsockname()[1])
    assert [await smtp.send(MAIL) for _ in range(20)] == [Accepted()] * 20
    server.close()


async def test_a_yes_before_the_mails_end_leaves_the_outcome_open(transport: Transport, server: ScriptedServer) -> None:
    server.will("BODY", "250 OK")
    large = Envelope(MAIL.sender, MAIL.recipients, MAIL.mime + b"line\r\n" * 5_000_000)
    assert isinstance(await transport(server.port).send(large), Unknown)


@pytest.mark.parametrize("size", ["0", "", "9" * 5000, "-1", "many"])
async def test_a_server_whose_size_says_nothing_is_sent_mail_of_any(
    transport: Transport, server: ScriptedServer, size: str
) -> None:
    server.will("EHLO", f"250-mail.test\r\n250 SIZE {size}")
    smtp = transport(server.port)
    assert await smtp.send(MAIL) == Accepted()
    assert smtp.most_bytes is None


async def test_a_large_mail_over_a_slow_line_is_no_silence(transport: Transport, server: ScriptedServer) -> None:
    server.seconds_to_read = 0.02
    large = Envelope(MAIL.sender, MAIL.recipients, MAIL.mime + b"line\r\n" * 2_000_000)
    assert await transport(server.port, timeout="2.5").send(large) == Accepted()
    assert server.mails == 1


async def test_what_a_server_says_in_odd_bytes_can_be_told(transport: Transport, server: ScriptedServer) -> None:
    server.will("RCPT", "550 5.1.1 \udcff\udcfe\x07 no \x1b[1m")
    outcome = await transport(server.port).send(MAIL)
    assert isinstance(outcome, Refused)
    assert outcome.text.isprintable()
    assert outcome.text.encode()


async def test_only_a_few_connections_are_kept_after_a_rush(transport: Transport, server: ScriptedServer) -> None:
    smtp = transport(server.port)
    await asyncio.gather(*(smtp.send(MAIL) for _ in range(10)))
    assert server.mails == 10
    await smtp.close()
    assert server.steps.count("QUIT") == 4


async def test_closing_says_goodbye_to_the_server(transport: Transport, server: ScriptedServer) -> None:
    smtp = transport(server.port)
    await smtp.send(MAIL)
    await smtp.close()
    assert server.steps[-1] == "QUIT"


async def test_closing_does_not_wait_for_a_server_that_is_silent(transport: Transport, server: ScriptedServer) -> None:
    server.will("QUIT", Odd.IS_SILENT)
    smtp = transport(server.port)
    await smtp.send(MAIL)
    async with asyncio.timeout(60):
        await smtp.close()


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_no_outcome_tells_an_address(transport: Transport, server: ScriptedServer, step: str) -> None:
    server.will(step, "550 <ada@example.com>, rep@acme.example: no; ask postmaster@example.com")
    outcome = await transport(server.port).send(MAIL)
    assert isinstance(outcome, Refused)
    assert "@" not in outcome.text
