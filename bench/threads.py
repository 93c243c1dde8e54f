"""Measures how answers find their messages: on real mailing lists, and our CPU for one mail.

    python -m bench.threads <folder of mbox files>

Every mail of the lists becomes a message that its author sent to the list and to all who write within its next thousand
mails. Each mail is matched against those before it: as it came, then without the ids of its thread, by smart matching
alone. Archives of Mailman leave out `Re:`, which is put back where a mail names another one. Without a folder, only the
CPU is measured.
"""

from __future__ import annotations

import asyncio
import mailbox
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import parseaddr, parsedate_to_datetime
from hashlib import blake2b
from pathlib import Path

from bench.sections import THREADS, put
from lib.messages.models import Body, Recipient, StoredMessage
from lib.mime.parts import Mailbox
from lib.mime.subjects import has_prefix
from lib.people.addresses import same_person
from tests.support.heed import Heed
from tests.support.received import CameIn

_LIST = Mailbox("", "list@lists.example")
_IDS = re.compile(r"<[^<>\s]+>")
_AHEAD = 1_000
"""Later mails whose writers count as recipients."""

_CPU_ROUNDS = 500


@dataclass(frozen=True, slots=True)
class ListMail:
    """A mail of a mailing list."""

    mail: CameIn
    number: int
    """Its place in time."""

    @property
    def id(self) -> str:
        """The id of its message."""
        return blake2b(f"{self.number}".encode(), digest_size=16).hexdigest()


@dataclass(slots=True)
class Found:
    """The outcome of one run."""

    answers: int = 0
    """Mails whose parent is there."""
    parents: int = 0
    """Answers that found the parent itself."""
    matched: int = 0
    """Mails that found any message."""
    same_thread: int = 0
    """Of these, the ones that found a message of their thread."""
    wrong: list[str] | None = None
    """Subjects of the others."""

    @property
    def precision(self) -> float:
        """The share of matches that are of the right thread."""
        return self.same_thread / self.matched if self.matched else 1.0


def read_archive(folder: Path) -> list[ListMail]:
    """Read all mbox files of a folder, oldest mail first, each Message-ID once."""
    mails = {mail.message_id: mail for path in sorted(folder.glob("*.mbox")) for mail in _mails_in(path)}
    in_order = sorted(mails.values(), key=lambda mail: mail.date or datetime.max.replace(tzinfo=UTC))
    return [ListMail(mail, number) for number, mail in enumerate(in_order)]


def _mails_in(path: Path) -> Iterator[CameIn]:
    for raw in mailbox.mbox(path):
        headers = {name: str(raw.get(name, "")) for name in ("From", "Message-ID", "In-Reply-To", "References")}
        _, email = parseaddr(headers["From"].replace(" at ", "@"))
        ids = _IDS.findall(headers["Message-ID"])
        try:
            date = parsedate_to_datetime(str(raw["Date"])).astimezone(UTC)
            subject = str(make_header(decode_header(str(raw.get("Subject", "")))))
        except (ValueError, TypeError, LookupError):
            continue
        if ids and "@" in email and re.fullmatch(r"[\w.+-]+@[\w.-]+\.\w+", email):
            yield CameIn(
                message_id=ids[0],
                in_reply_to=_IDS.findall(headers["In-Reply-To"]),
                references=_IDS.findall(headers["References"]),
                date=date,
                sender=Mailbox("", email.lower()),
                to=[_LIST],
                subject=_with_prefix(" ".join(subject.split()), bool(headers["In-Reply-To"] or headers["References"])),
            )


def _with_prefix(subject: str, is_answer: bool) -> str:
    return f"Re: {subject}" if is_answer and not has_prefix(subject) else subject


async def match_archive(mails: Sequence[ListMail], *, with_ids: bool) -> Found:
    """Match every mail against those before it, and store it as a message that was sent."""
    heed = await Heed().start(inbound={"smart_matching": not with_ids})
    people = list(dict.fromkeys(same_person(each.mail.sender.email) for each in mails if each.mail.sender))
    users = {person: f"user{number}" for number, person in enumerate(people)}
    for person, user in users.items():
        await heed.put(f"/users/{user}", {"email": person, "name": user})
    by_id: dict[str, ListMail] = {}
    threads: dict[str, str] = {}
    found = Found(wrong=[])
    for each in mails:
        named = (*each.mail.in_reply_to, *reversed(each.mail.references))
        parent = next((by_id[ref] for ref in named if ref in by_id), None)
        threads[each.id] = threads[parent.id] if parent else each.id
        mail = each.mail if with_ids else replace(each.mail, in_reply_to=(), references=())
        await _match(heed, mail, parent, threads, each, found)
        later = (other.mail.sender.email for other in mails[each.number : each.number + _AHEAD] if other.mail.sender)
        await _store_sent(heed, each, users, dict.fromkeys(map(same_person, later)))
        by_id[each.mail.message_id or ""] = each
    return found


async def _match(
    heed: Heed, mail: CameIn, parent: ListMail | None, threads: dict[str, str], each: ListMail, found: Found
) -> None:
    answer = await heed.services.correlator.correlate("acme", mail)
    found.answers += parent is not None
    found.parents += parent is not None and answer.matched == parent.id
    if answer.matched is not None:
        found.matched += 1
        if threads[answer.matched] == threads[each.id]:
            found.same_thread += 1
        elif found.wrong is not None:
            found.wrong.append(mail.subject)


async def _store_sent(heed: Heed, each: ListMail, users: dict[str, str], people: Iterable[str]) -> None:
    mail = each.mail
    assert mail.sender is not None
    assert mail.date is not None
    author = same_person(mail.sender.email)
    others = [person for person in people if person != author]
    message = StoredMessage.model_construct(
        id=each.id,
        sender=users[author],
        state="sent",
        created_at=mail.date,
        sent_at=mail.date,
        subject=mail.subject,
        message_id=mail.message_id,
        to=[Recipient.model_construct(email=email, name="", record=None) for email in (_LIST.email, *others)],
    )
    await heed.services.messages.make("acme", message, Body())
    await heed.services.threads.enter_message("acme", message)


async def cpu_for_a_mail() -> dict[str, float]:
    """Return our CPU for finding the message of one mail, in milliseconds, by its best clue, storage in memory."""
    heed = await Heed().start(inbound={"subject_token": True, "smart_matching": True})
    message = await heed.sent(subject="Our offer of May")
    internet_id = str((await heed.get(f"/messages/{message}"))["message_id"])
    many = [f"<{number}@elsewhere.example>" for number in range(50)]
    mails = {
        "In-Reply-To": CameIn(in_reply_to=[internet_id]),
        "the last of 51 References": CameIn(references=[internet_id, *many[1:]]),
        "a link of ours": CameIn(links=[f"https://heed.test{heed.urls('c')[0]}"]),
        "smart matching": CameIn(subject="AW: Our offer of May"),
        "nothing": CameIn(references=many, links=["https://heed.test/c/" + "a" * 200] * 50),
    }
    found = {}
    for name, mail in mails.items():
        start = time.process_time()
        for _ in range(_CPU_ROUNDS):
            await heed.services.correlator.correlate("acme", mail)
        found[name] = (time.process_time() - start) / _CPU_ROUNDS * 1000
    return found


def _row(name: str, found: Found) -> str:
    return (
        f"| {name} | {found.answers:,} | {found.parents:,} ({_share(found.parents, found.answers)}) | "
        f"{found.matched:,} | {found.same_thread:,} ({_share(found.same_thread, found.matched)}) |"
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


async def main(folder: Path | None) -> None:
    """Measure, and write the section of RESULTS.md."""
    lines = []
    if folder is not None:
        mails = read_archive(folder)
        rows = [("all ids", True), ("ids stripped, smart matching", False)]
        lines = [
            f"{len(mails):,} mails of a public mailing list, {mails[0].mail.date:%Y} to {mails[-1].mail.date:%Y}. "
            "Its writers count as recipients of every mail, so that only subjects and times tell threads apart.",
            "",
            "| | answers whose parent is there | find it | matches | of the right thread |",
            "|---|---|---|---|---|",
        ]
        for name, with_ids in rows:
            found = await match_archive(mails, with_ids=with_ids)
            lines.append(_row(name, found))
            print(_row(name, found), *(found.wrong or [])[:40], sep="\n  ")
    cpu = await cpu_for_a_mail()
    lines += ["", "| found by | CPU of one mail beyond parsing, storage in memory |", "|---|---|"]
    lines += [f"| {name} | {milliseconds:.2f} ms |" for name, milliseconds in cpu.items()]
    print("\n".join(lines))
    put(THREADS, "\n".join(lines), "other work was under way")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
