"""IMAP servers that hang, lie, break off or refuse: the mailbox says so, the others are read, no mail is lost."""

from __future__ import annotations

import asyncio
import base64
import imaplib
import logging
import ssl
import sys
from datetime import timedelta
from traceback import extract_stack

import pytest

from lib.clock import SetClock
from lib.storage import Unavailable
from tests.support.imap_server import ImapServer, hang, is_body, says, says_and_hangs, stops_inside
from tests.support.mailboxes import SECRET, Polls, mail

BROKE_OFF = "The connection to the server broke off."
NO_ANSWER = "The server did not answer in time."
NOT_UNDERSTOOD = "The server gave an answer that Heed does not understand."


def later(polls: Polls, **by: float) -> None:
    assert isinstance(polls.clock, SetClock)
    polls.clock.move(**by)


async def test_a_server_that_hangs_delays_no_other(polls: Polls, imap: ImapServer, server_tls: ssl.SSLContext) -> None:
    imap.misbehave["STATUS"] = hang
    async with ImapServer(server_tls) as other:
        await polls.save("m2", port=other.port)
        await polls.run()
        other.mails.append(mail("one"))
        later(polls, minutes=5)

        run = asyncio.create_task(polls.run())
        while not polls.sink.kept:
            assert not run.done()
            await asyncio.sleep(0.01)
        await run

    assert await polls.error("m1") == NO_ANSWER
    assert await polls.error("m2") is None


async def test_a_mailbox_is_polled_on_request_though_it_failed_just_before(polls: Polls, imap: ImapServer) -> None:
    imap.misbehave["STATUS"] = hang
    await polls.run()
    assert await polls.error() == NO_ANSWER
    del imap.misbehave["STATUS"]
    await polls.run()
    assert await polls.error() == NO_ANSWER  # its time has not come

    assert await polls.mailboxes.ask_for_poll("acme", "m1")
    await polls.run()

    assert await polls.error() is None
    assert not await polls.mailboxes.ask_for_poll("acme", "nothing")


async def test_mailboxes_of_a_server_that_hangs_wait_for_the_next_time(polls: Polls, imap: ImapServer) -> None:
    """Six mailboxes, four at once, and no time left for the others; these come first at the next time."""
    for number in range(2, 7):
        await polls.save(f"m{number}", port=imap.port)
    imap.misbehave["LOGIN"] = hang

    await polls.run()
    first = {f"m{number}" for number in range(1, 7) if await polls.error(f"m{number}")}
    later(polls, seconds=10)
    await polls.run()
    then = {f"m{number}" for number in range(1, 7) if await polls.error(f"m{number}")}

    assert len(first) == 4
    assert len(then) == 6
    assert imap.most_at_once == 4


async def test_another_organizations_mailboxes_have_their_own_turn_at_the_same_server(
    polls: Polls, imap: ImapServer
) -> None:
    other = await Polls(tls=polls.tls, clock=polls.clock, storage=polls.storage).start("other")
    polls.secrets["HEED_MAILBOX_OTHER_X"] = "x"
    for number in range(8):
        await polls.save(f"m{number}", port=imap.port)
    await other.save("m1", "other", port=imap.port, secret="HEED_MAILBOX_OTHER_X", user="theirs")

    async def hang_for_acme(server: ImapServer, *rest: object) -> bool:
        return await hang(server, *rest) if "theirs" not in str(rest[-1]) else True  # type: ignore[arg-type]

    imap.misbehave["LOGIN"] = hang_for_acme
    await polls.run()
    imap.mails.append(mail("one"))
    await polls.run()

    assert [(organization, subject) for organization, subject, _ in polls.sink.kept] == [("other", "one")]


async def test_a_server_that_sends_a_byte_now_and_then_is_left_at_the_deadline(polls: Polls, imap: ImapServer) -> None:
    async def drip(server: ImapServer, reader: object, writer: asyncio.StreamWriter, line: str) -> bool:
        while not writer.is_closing():
            writer.write(b"*")
            await asyncio.sleep(0.02)
        return False

    imap.misbehave["STATUS"] = drip

    await asyncio.wait_for(polls.run(), 90)

    assert await polls.error() == NO_ANSWER
    places = [place.filename for stack in sys._current_frames().values() for place in extract_stack(stack)]
    assert imaplib.__file__ not in places


async def test_a_server_that_never_begins_tls_is_left_at_the_deadline(polls: Polls, imap: ImapServer) -> None:
    gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        await polls.save(port=silent.sockets[0].getsockname()[1])
        await asyncio.wait_for(polls.run(), 90)
        await asyncio.wait_for(gone.wait(), 90)

    assert await polls.error() == NO_ANSWER


async def test_a_connection_that_is_lost_at_the_login_is_no_login_that_is_refused(
    polls: Polls, imap: ImapServer
) -> None:
    async def leave(server: ImapServer, *_: object) -> bool:
        return False

    imap.misbehave["LOGIN"] = leave
    await polls.run()

    assert await polls.error() == BROKE_OFF


async def test_a_password_that_the_server_cannot_be_told_is_not_sent(polls: Polls, imap: ImapServer) -> None:
    """LOGIN takes ASCII alone; the other way, AUTHENTICATE PLAIN, is tested with Dovecot."""
    polls.secrets[SECRET] = "päss"
    await polls.run()

    assert await polls.error() == "The server takes passwords of printable ASCII characters alone (no AUTH=PLAIN)."
    assert imap.commands["LOGIN"] == 1


async def test_what_a_server_says_is_neither_told_nor_logged(
    polls: Polls, imap: ImapServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    imap.misbehave["STATUS"] = says(b"TAG NO your password is hunter2, \xe4h\r\n")

    await polls.run()

    assert "hunter2" not in f"{caplog.text} {await polls.error()}"
    assert "LOGIN" not in caplog.text


async def test_a_server_that_stops_inside_a_mail_is_asked_again_and_then_that_mail_is_refused(
    polls: Polls, imap: ImapServer
) -> None:
    imap.mails += [mail("one"), mail("two"), mail("three")]
    imap.misbehave["UID FETCH"] = stops_inside(2)

    errors = []
    for _ in range(6):
        await polls.run()
        errors.append(await polls.error())
        later(polls, hours=2)

    assert errors == [None] + [NO_ANSWER] * 4 + [None]
    assert polls.sink.subjects == ["one", "three"]
    [(headers, _, reason)] = polls.sink.refused
    assert b"Subject: two" in headers
    assert reason == "The mail could not be read in 5 tries: the connection broke off each time."


async def test_a_mail_whose_headers_cannot_be_had_either_is_refused_without_them(
    polls: Polls, imap: ImapServer
) -> None:
    imap.mails += [mail("one"), mail("two")]
    imap.misbehave["UID FETCH"] = stops_inside(1, headers=True)

    for _ in range(11):
        await polls.run()
        later(polls, hours=2)

    assert [headers for headers, _, _ in polls.sink.refused] == [b""]
    assert polls.sink.subjects == ["two"]


async def test_failures_are_tried_again_ever_later(polls: Polls, imap: ImapServer) -> None:
    imap.misbehave["STATUS"] = says(b"* BYE going down\r\n")
    tried = []
    for minute in range(70):
        before = imap.commands["STATUS"]
        await polls.run()
        if imap.commands["STATUS"] > before:
            tried.append(minute)
        later(polls, minutes=1)

    assert tried == [0, 1, 3, 7, 15, 31, 63]
    assert await polls.error() == "The server closed the connection."


async def test_a_mailbox_that_is_changed_is_tried_at_once(polls: Polls, imap: ImapServer) -> None:
    imap.misbehave["LOGIN"] = says(b"TAG NO [AUTHENTICATIONFAILED] wrong password hunter2\r\n")
    await polls.run()
    error = await polls.error()
    del imap.misbehave["LOGIN"]

    await polls.save(port=imap.port, user="someone")
    await polls.run()

    assert error == "The server refuses the login of rep."
    assert await polls.error() is None


@pytest.mark.parametrize(
    ("command", "said", "error"),
    [
        ("LOGIN", b"TAG NO [UNAVAILABLE] later\r\n", "The server takes no logins for now."),
        ("LOGIN", b"* BYE too many of you\r\n", "The server closed the connection."),
        ("STATUS", b"TAG OK done\r\n", "The server does not number its mails (UIDNEXT, UIDVALIDITY)."),
        ("STATUS", b"* STATUS " + b"x" * 5_000_000, "The server sends a line without end."),
        ("STATUS", b"* OK\r\n" * 25_000, "The server does not come to the end of its answer."),
        ("STATUS", (b"* X " + b"x" * 900_000 + b"\r\n") * 3, "The server does not come to the end of its answer."),
        ("STATUS", b"* STATUS {99999999999}\r\n", BROKE_OFF),
        ("STATUS", (b"* X {60000}\r\n" + b"x" * 60_000 + b"\r\n") * 2, BROKE_OFF),
        ("STATUS", b'* STATUS INBOX (UIDNEXT "\r\nTAG OK done\r\n', NOT_UNDERSTOOD),
        ("STATUS", b"* STATUS " + b"(" * 5000 + b"\r\nTAG OK done\r\n", NOT_UNDERSTOOD),
        ("STATUS", b"+ more?\r\nTAG BAD what\r\n", "The folder INBOX is not there, or may not be read."),
        ("EXAMINE", b"TAG NO [NOPERM] no\r\n", "The folder INBOX cannot be read."),
        ("UID SEARCH", b"TAG BAD what\r\n", "The folder INBOX cannot be read."),
    ],
)  # fmt: skip
async def test_what_went_wrong_is_told_in_words(
    polls: Polls, imap: ImapServer, command: str, said: bytes, error: str
) -> None:
    imap.mails.append(mail("one"))
    imap.misbehave[command] = says(said)

    await polls.run()

    assert await polls.error() == error
    assert polls.sink.kept == []


async def test_a_mail_that_is_larger_than_the_server_said_is_not_read_into_memory(
    polls: Polls, imap: ImapServer
) -> None:
    imap.mails.append(mail("one"))

    async def lie(server: ImapServer, reader: object, writer: asyncio.StreamWriter, line: str) -> bool:
        if is_body(line, 1):
            writer.write(b"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n")
            await asyncio.sleep(10)
        return True

    imap.misbehave["UID FETCH"] = lie
    await polls.run()

    assert await polls.error() == BROKE_OFF


async def test_a_mail_that_vanishes_before_it_is_read_is_passed_over(polls: Polls, imap: ImapServer) -> None:
    imap.mails += [mail("one"), mail("two")]

    async def vanished(server: ImapServer, reader: object, writer: asyncio.StreamWriter, line: str) -> bool:
        if is_body(line, 1):
            server.mails[0] = b""
        return True

    imap.misbehave["UID FETCH"] = vanished
    await polls.run()

    assert polls.sink.subjects[-1] == "two"
    assert await polls.error() is None


async def test_while_our_storage_is_out_the_place_stays(polls: Polls, imap: ImapServer) -> None:
    imap.mails += [mail("one"), mail("two")]
    polls.sink.failures = [Unavailable("out")]
    await polls.run()
    error = await polls.error()

    later(polls, minutes=1)
    await polls.run()

    assert error == "A mail could not be kept for now. It will be read again."
    assert polls.sink.subjects == ["one", "two"]


async def test_a_mail_on_which_heed_itself_fails_is_refused_at_last_and_the_others_are_read(
    polls: Polls, imap: ImapServer
) -> None:
    imap.mails += [mail("one"), mail("two")]
    polls.sink.failures = [RuntimeError("a mistake of ours")] * 5
    for _ in range(6):
        await polls.run()
        later(polls, hours=2)

    assert polls.sink.subjects == ["two"]
    assert b"Subject: one" in polls.sink.refused[0][0]


async def test_an_idle_mailbox_notes_its_poll_once_an_hour(polls: Polls, imap: ImapServer) -> None:
    polls.writes.clear()
    for _ in range(180):
        later(polls, minutes=1)
        await polls.run()

    assert polls.writes.total() == 3
    assert (await polls.read()).last_poll_at == polls.clock.now()


async def test_a_mailbox_that_is_not_enabled_is_left_alone(polls: Polls, imap: ImapServer) -> None:
    await polls.save(port=imap.port, enabled=False)
    imap.commands.clear()

    await polls.run()

    assert not imap.commands


async def test_xoauth2_logs_in_with_the_token(polls: Polls, imap: ImapServer) -> None:
    polls.secrets[SECRET] = "a-token"
    proofs = []

    async def ask(server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> bool:
        writer.write(b"+ \r\n")
        proofs.append(base64.b64decode(await reader.readline()))
        return True

    imap.misbehave["AUTHENTICATE"] = ask
    await polls.save(port=imap.port, auth="xoauth2", user="rep@acme.example")
    await polls.run()

    assert imap.lines[-3] == "AUTHENTICATE XOAUTH2"
    assert proofs == [b"user=rep@acme.example\x01auth=Bearer a-token\x01\x01"]
    assert await polls.error() is None


async def test_a_token_that_is_refused_is_told(polls: Polls, imap: ImapServer) -> None:
    async def refuse(server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> bool:
        writer.write(b"+ \r\n")
        await reader.readline()
        writer.write(b"+ " + base64.b64encode(b'{"status":"400"}') + b"\r\n")
        assert await reader.readline() == b"\r\n"
        writer.write(f"{line.split()[0]} NO no\r\n".encode())
        await reader.read()
        return False

    imap.misbehave["AUTHENTICATE"] = refuse
    await polls.save(port=imap.port, auth="xoauth2")
    await polls.run()

    assert await polls.error() == "The server refuses the login of rep."


async def test_a_certificate_for_another_name_is_not_accepted(polls: Polls, imap: ImapServer) -> None:
    await polls.save(port=imap.port, host="127.0.0.1")
    imap.commands.clear()

    await polls.run()

    assert await polls.error() == "The certificate of 127.0.0.1 is not valid for that name."
    assert not imap.commands


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"TAG OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", id="answers in advance"),
        pytest.param(b"TAG NO no\r\n", id="no"),
        pytest.param(b"* BYE\r\n", id="bye"),
    ],
)
async def test_nothing_is_taken_from_a_server_that_does_not_begin_tls(polls: Polls, said: bytes) -> None:
    async with ImapServer(None) as plain:
        plain.misbehave["STARTTLS"] = says_and_hangs(said)
        await polls.save(port=plain.port, security="starttls")
        await polls.run()

        assert plain.lines == ["CAPABILITY", "STARTTLS"]
    assert await polls.error() in (
        "The server does not begin TLS (STARTTLS).",
        "The server closed the connection.",
        "There is no secure connection to localhost.",
        NO_ANSWER,
    )


async def test_a_server_that_says_we_are_logged_in_already_is_left(polls: Polls) -> None:
    async with ImapServer(None) as plain:
        plain.greeting = b"* PREAUTH welcome\r\n"
        await polls.save(port=plain.port, security="starttls")
        await polls.run()

        assert set(plain.lines) == {"CAPABILITY"}
    assert await polls.error() == "The server does not begin TLS (STARTTLS)."


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433", "::1"])
async def test_an_inside_host_is_never_connected_to(polls: Polls, imap: ImapServer, host: str) -> None:
    """As a row that was stored while the setting allowed it, or a name that leads there."""
    inside = await Polls(tls=polls.tls, clock=polls.clock, storage=polls.storage, loopback=False).start()
    await polls.save(port=imap.port, host=host)
    imap.lines.clear()

    await inside.run()

    assert (await inside.error()) == f"{host} is no host of the public internet."
    assert imap.lines == []


async def test_a_secret_that_is_missing_is_named_and_not_its_value(polls: Polls, imap: ImapServer) -> None:
    del polls.secrets[SECRET]
    await polls.run()

    assert await polls.error() == f"The secret {SECRET} is not set."


async def test_the_place_is_forgotten_with_the_mailbox(polls: Polls, imap: ImapServer) -> None:
    await polls.mailboxes.remove_mailbox("acme", "m1", None)
    imap.mails.append(mail("one"))
    await polls.save(port=imap.port)

    await polls.run()
    later(polls, minutes=1)
    await polls.run()

    assert polls.sink.kept == []
    assert (await polls.read()).last_poll_at == polls.clock.now()


async def test_a_lease_of_a_poller_that_died_runs_out(polls: Polls, imap: ImapServer) -> None:
    imap.mails.append(mail("one"))
    [polled] = await polls.mailboxes.list_polled("acme")
    polled.state.leased_until = polls.clock.now() + timedelta(minutes=1)
    await polls.mailboxes.save_state("acme", polled)

    await polls.run()
    meanwhile = list(polls.sink.kept)
    later(polls, minutes=2)
    await polls.run()

    assert (meanwhile, polls.sink.subjects) == ([], ["one"])


async def test_a_server_that_does_not_answer_to_the_end_of_the_session_has_done_no_harm(
    polls: Polls, imap: ImapServer
) -> None:
    polls.polling._seconds_a_server = 10
    imap.misbehave["LOGOUT"] = hang
    imap.mails.append(mail("one"))

    await polls.run()

    assert (polls.sink.subjects, await polls.error()) == (["one"], None)
