"""Whole threads of many mails: every answer finds its parent, and without ids the subject finds the thread."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from pathlib import Path

import pytest

from bench.threads import ListMail, match_archive, read_archive
from lib.mime.parts import Mailbox
from tests.support.heed import START
from tests.support.received import CameIn

ARCHIVE = os.environ.get("HEED_TEST_MAIL_ARCHIVE", "")
_LIST = Mailbox("", "list@lists.example")


def made_archive(threads: int = 12, mails: int = 120) -> list[ListMail]:
    """Threads of several people, begun at the same time, with answers as programs of many languages write them."""
    chance = random.Random(14)
    found: list[ListMail] = []
    heads: dict[int, list[CameIn]] = {}
    for number in range(mails):
        thread = chance.randrange(threads)
        before = heads.setdefault(thread, [])
        parent = chance.choice(before) if before else None
        mail = CameIn(
            message_id=f"<{number}@lists.example>",
            in_reply_to=[parent.message_id or ""] if parent and chance.random() < 0.8 else [],
            references=[*parent.references, parent.message_id or ""] if parent else [],
            date=START + timedelta(minutes=number),
            sender=Mailbox("", f"person{chance.randrange(8)}@example.com"),
            to=[_LIST],
            subject=f"{chance.choice(['Re', 'AW', 'SV', '回复'])}: Question {thread}"
            if parent
            else f"Question {thread}",
        )
        before.append(mail)
        found.append(ListMail(mail, number))
    return found


async def test_with_all_ids_every_answer_finds_its_parent() -> None:
    found = await match_archive(made_archive(), with_ids=True)
    assert found.answers == 108
    assert found.parents == found.answers


async def test_without_ids_the_subject_finds_the_thread_and_no_other_one() -> None:
    found = await match_archive(made_archive(), with_ids=False)
    assert found.matched > 100  # all but those who answer themselves alone
    assert found.same_thread == found.matched


@pytest.mark.skipif(not ARCHIVE, reason="HEED_TEST_MAIL_ARCHIVE names no folder with mbox files of a mailing list")
async def test_threads_of_a_real_list_are_found_with_ids_and_nearly_always_rightly_without() -> None:
    mails = read_archive(Path(ARCHIVE))
    with_ids = await match_archive(mails, with_ids=True)
    assert with_ids.parents == with_ids.answers > 0
    assert (await match_archive(mails, with_ids=False)).precision >= 0.95
