"""`make run` alone: who answers a mail over SMTP sees the answer in Heed."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

from infra.local.child import ROOT
from tests.end_to_end.answers import answer_to, sent_mail, shows_one_answer
from tests.end_to_end.running import Running, eventually, start_heed


@contextmanager
def run(folder: Path, **settings: str) -> Iterator[Running]:
    """A Heed with storage and a mail catcher of its own, which stay in the folder: no other takes its mail."""
    heed = start_heed(folder, None, None, in_parts=False, code=ROOT, **settings)
    try:
        yield heed
    finally:
        heed.stop()


def smtp(heed: Running) -> smtplib.SMTP:
    """A connection to its mail catcher."""
    server = urlsplit(heed.said("Mail server"))
    assert server.hostname
    assert server.port
    return smtplib.SMTP(server.hostname, server.port, timeout=60)


def deliver(heed: Running, mail: EmailMessage) -> None:
    """Send a mail to the catcher, as any program does."""
    with smtp(heed) as session:
        session.send_message(mail)


async def received(heed: Running, organization: str, key: str) -> set[str]:
    """The Message-IDs of the mails that the organization has received."""
    found = (await heed.request("GET", f"/api/orgs/{organization}/messages?view=received", key=key))[1]
    return {each["message_id"] for each in found["items"]}


async def receives(heed: Running, organization: str, key: str, *mails: EmailMessage) -> None:
    """Check that it has received these mails, once the last has come, and no other ones."""
    wanted = {str(mail["Message-ID"]) for mail in mails}

    async def all_there() -> set[str] | None:
        found = await received(heed, organization, key)
        return found if found >= wanted else None

    assert await eventually(all_there) == wanted


async def keep_all(heed: Running, organization: str, key: str) -> None:
    """Have all mail of the user rep1 kept."""
    await heed.request("PATCH", f"/api/orgs/{organization}/users/rep1", key=key, json={"inbound": "all"})


async def are_given(folder: Path, count: int) -> bool:
    """Whether so many mails, at least, are written down as given: a process that dies before gives its mail again."""
    written = folder / "mail-given"
    return written.exists() and len(written.read_text().splitlines()) >= count


def deliver_broken(heed: Running) -> None:
    """Send something to the catcher that has none of the headers of a mail."""
    with smtp(heed) as session:
        session.sendmail("x@example.com", ["rita@acme.example"], b"no mail at all\r\n")


async def test_an_answer_over_smtp_is_taken_in_by_its_organization_and_what_is_no_mail_is_passed_over(
    tmp_path: Path,
) -> None:
    with run(tmp_path) as heed:
        key = await heed.organization("pickup")
        others_key = await heed.organization("others")
        message = await sent_mail(heed, "pickup", key, "Picked up")

        deliver_broken(heed)
        deliver(heed, answer_to(message))

        await shows_one_answer(heed, "pickup", key, message)
        assert await received(heed, "others", others_key) == set()
        assert "it has none of the headers of a mail" in heed.log.read_text()


async def test_every_mail_is_given_once_over_restarts_and_one_that_came_while_it_was_off_later(tmp_path: Path) -> None:
    with run(tmp_path) as heed:
        key = await heed.organization("once")
        message = await sent_mail(heed, "once", key, "Picked up")
        deliver(heed, answer_to(message))
        await receives(heed, "once", key, answer_to(message))
        await eventually(lambda: are_given(tmp_path, 2))  # our own mail, and the answer

    with run(tmp_path, HEED_MAIL_PICKUP="off") as heed:
        late_key = await heed.organization("late")
        await keep_all(heed, "late", late_key)
        deliver(heed, answer_to(message, 2))
        await asyncio.sleep(2.5)  # several looks
        assert await received(heed, "once", key) == {answer_to(message)["Message-ID"]}

    with run(tmp_path) as heed:
        await receives(heed, "late", late_key, answer_to(message, 2))
        await receives(heed, "once", key, answer_to(message), answer_to(message, 2))
