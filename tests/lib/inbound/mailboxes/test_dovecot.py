"""Polling a real server, Dovecot: every mail once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest

from lib.clock import SetClock
from lib.inbound.origin import Origin
from tests.support.dovecot import Dovecot, running_dovecot, why_not
from tests.support.mailboxes import Polls, mail
from tests.support.tcp_forwarder import TcpForwarder

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")

_names = count(1)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture
def user(dovecot: Dovecot) -> str:
    """A mailbox with the folder Deals/Größe beside its INBOX, and an old mail in each."""
    name = f"rep{next(_names)}"
    dovecot.add_user(name, "Deals", "Deals/Gr&APYA3w-e")
    dovecot.deliver(name, mail("old"))
    dovecot.deliver(name, mail("old deal"), "Deals")
    return name


async def polls(dovecot: Dovecot, user: str, clock: SetClock | None = None, **fields: Any) -> Polls:
    """A poller that has polled this mailbox once."""
    made = await Polls(tls=dovecot.trust, clock=clock or SetClock(datetime.now(UTC))).start()
    await made.save(**{"user": user, "port": dovecot.port, **fields})
    await made.run()
    assert await made.error() is None
    return made


async def test_reading_begins_with_the_mail_that_comes_after_the_first_connection(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user, owner="rep1")
    dovecot.deliver(user, mail("one"))
    dovecot.deliver(user, mail("two"))

    await poller.run()
    await poller.run()

    assert poller.sink.kept == [
        ("acme", "one", Origin("m1", "INBOX", None, "rep1")),
        ("acme", "two", Origin("m1", "INBOX", None, "rep1")),
    ]
    assert poller.sink.raw[0] == mail("one")


async def test_a_mail_stays_as_unread_as_it_was(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user)
    dovecot.deliver(user, mail("one"))

    await poller.run()

    with dovecot.session(user) as session:
        session.select("INBOX", readonly=True)
        assert session.search(None, "UNSEEN", "SUBJECT", "one")[1] != [b""]


async def test_starttls_reads_mail_as_well(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user, security="starttls", port=dovecot.starttls_port)
    dovecot.deliver(user, mail("one"))

    await poller.run()

    assert poller.sink.subjects == ["one"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_for_another_name_is_not_accepted(dovecot: Dovecot, user: str, security: str) -> None:
    poller = await polls(dovecot, user)
    dovecot.commands(user)

    port = dovecot.port if security == "tls" else dovecot.starttls_port
    await poller.save(user=user, host="127.1", port=port, security=security)
    await poller.run()

    assert await poller.error() == "The certificate of 127.1 is not valid for that name."
    assert dovecot.commands(user) == []


async def test_a_mail_that_is_moved_into_a_folder_is_new_there(dovecot: Dovecot, user: str) -> None:
    folders = [{"path": "INBOX"}, {"path": "Deals/Größe", "regarding": {"type": "opportunity", "id": "o1"}}]
    poller = await polls(dovecot, user, folders=folders)

    dovecot.move(user, "old", "INBOX", "Deals/Gr&APYA3w-e")
    await poller.run()

    assert [(subject, origin.folder) for _, subject, origin in poller.sink.kept] == [("old", "Deals/Größe")]


async def test_a_keyword_of_the_mailbox_is_named_as_the_mailbox_has_it(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user, categories=[{"name": "Track", "create": "case"}])
    dovecot.deliver(user, mail("tagged"), flags="\\Seen $Other TRACK")
    dovecot.deliver(user, mail("plain"))

    await poller.run()

    assert [(subject, origin.category) for _, subject, origin in poller.sink.kept] == [
        ("tagged", "Track"),
        ("plain", None),
    ]


async def test_an_old_mail_that_gets_a_category_is_read_once(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user, categories=[{"name": "No keyword"}, {"name": "Track"}, {"name": "Blue"}])
    dovecot.deliver(user, mail("new"), flags="blue")
    dovecot.flag(user, "old", "Track")
    await poller.run()

    dovecot.flag(user, "old", "\\Seen")
    dovecot.flag(user, "new", "\\Seen")
    await poller.run()

    assert [(subject, origin.category) for _, subject, origin in poller.sink.kept] == [
        ("new", "Blue"),
        ("old", "Track"),
    ]


async def test_drafts_are_no_mail(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user)
    dovecot.deliver(user, mail("unfinished"), flags="\\Draft")
    dovecot.deliver(user, mail("finished"))

    await poller.run()

    assert poller.sink.subjects == ["finished"]


async def test_a_poll_that_finds_nothing_costs_a_command_a_folder_and_no_write(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user, folders=[{"path": "INBOX"}, {"path": "Deals"}])
    dovecot.commands(user)
    poller.writes.clear()

    for _ in range(3):
        await poller.run()

    asked = ['STATUS "INBOX" (UIDNEXT UIDVALIDITY)', 'STATUS "Deals" (UIDNEXT UIDVALIDITY)', "LOGOUT"]
    assert dovecot.commands(user) == asked * 3
    assert not poller.writes


async def test_at_most_200_mails_are_read_at_a_poll_and_the_others_later(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user, folders=[{"path": "INBOX"}, {"path": "Deals"}])
    maildir = dovecot.folder / "mail" / user / "Maildir" / "new"
    for number in range(450):
        (maildir / f"{1000000 + number}.M{number}.test").write_bytes(mail(f"mail {number}"))
    dovecot.deliver(user, mail("a deal"), "Deals")

    seen = []
    for _ in range(3):
        await poller.run()
        seen.append(len(poller.sink.kept))

    assert seen == [200, 400, 451]
    assert poller.sink.subjects[0] == "a deal"
    assert len(set(poller.sink.subjects)) == 451


async def test_two_pollers_at_once_read_every_mail_once(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user)
    other = await Polls(tls=dovecot.trust, clock=poller.clock, sink=poller.sink, storage=poller.storage).start()
    poller.sink.seconds = 0.01
    for number in range(10):
        dovecot.deliver(user, mail(f"mail {number}"))

    for _ in range(3):
        await asyncio.gather(poller.run(), other.run())

    assert poller.sink.subjects == [f"mail {number}" for number in range(10)]
    assert await poller.error() is None


async def test_new_uids_bring_what_came_since_the_last_note_and_no_flood(dovecot: Dovecot, user: str) -> None:
    clock = SetClock(datetime.now(UTC))
    for number in range(5):
        dovecot.deliver(user, mail(f"last week {number}"), at=clock.now() - timedelta(days=7))
    poller = await polls(dovecot, user, clock)
    with dovecot.session(user) as session:
        session.select("INBOX")
        session.store("1", "+FLAGS", "\\Deleted")
        session.expunge()
    dovecot.deliver(user, mail("before the change"))

    dovecot.renumber(user)
    await poller.run()
    dovecot.deliver(user, mail("after the change"))
    await poller.run()
    await poller.run()

    assert poller.sink.subjects == ["before the change", "after the change"]


async def test_a_connection_that_is_lost_inside_a_mail_loses_none_and_doubles_none(dovecot: Dovecot, user: str) -> None:
    async with TcpForwarder(f"imaps://127.0.0.1:{dovecot.port}") as line:
        clock = SetClock(datetime.now(UTC))
        poller = await polls(dovecot, user, clock, port=urlsplit(line.url).port)
        for number in range(6):
            dovecot.deliver(user, mail(f"mail {number}", size=100_000))

        line.cut_once_after(350_000)
        await poller.run()
        there = len(poller.sink.kept)
        error = await poller.error()
        clock.move(minutes=2)
        await poller.run()

    assert 0 < there < 6
    assert error == "The connection to the server broke off."
    assert poller.sink.subjects == [f"mail {number}" for number in range(6)]
    assert await poller.error() is None


async def test_a_login_that_is_refused_is_told_without_the_password_and_tried_again_late(
    dovecot: Dovecot, user: str
) -> None:
    clock = SetClock(datetime.now(UTC))
    poller = await polls(dovecot, user, clock)
    poller.secrets["HEED_MAILBOX_ACME_REP"] = "wrong"
    dovecot.deliver(user, mail("one"))

    await poller.run()
    error = await poller.error()
    dovecot.commands(user)
    clock.move(minutes=5)
    await poller.run()

    assert error == f"The server refuses the login of {user}."
    poller.secrets["HEED_MAILBOX_ACME_REP"] = (await Polls().start()).secrets["HEED_MAILBOX_ACME_REP"]
    clock.move(minutes=6)
    await poller.run()
    assert (poller.sink.subjects, await poller.error()) == (["one"], None)


async def test_a_folder_that_is_gone_is_told_and_the_others_are_read(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user, folders=[{"path": "Deals"}, {"path": "INBOX"}])
    with dovecot.session(user) as session:
        session.delete('"Deals/Gr&APYA3w-e"')
        session.delete('"Deals"')
    dovecot.deliver(user, mail("one"))

    await poller.run()

    assert poller.sink.subjects == ["one"]
    assert await poller.error() == "The folder Deals is not there, or may not be read."


async def test_a_mail_over_25_mb_is_refused_with_its_headers(dovecot: Dovecot, user: str) -> None:
    poller = await polls(dovecot, user)
    dovecot.deliver(user, mail("huge", size=26 * 1024 * 1024))
    dovecot.deliver(user, mail("small"))

    await poller.run()

    [(headers, origin, reason)] = poller.sink.refused
    assert b"Subject: huge" in headers
    assert b"0123456789" not in headers
    assert (origin.folder, reason) == ("INBOX", "The mail is larger than 25 MB.")
    assert poller.sink.subjects == ["small"]
