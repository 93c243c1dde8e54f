"""Names go through real mail servers, and another library than the one that wrote them reads them back."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from lib.messages.models import Body, MessageFields, Recipient
from lib.mime.write import compose
from lib.people.users import StoredUser
from lib.settings import load_settings
from lib.transports import Accepted, Envelope
from lib.transports.smtp import SmtpTransport
from tests.faults.mail_servers import KINDS, started
from tests.faults.reader import Read, read_by_postal_mime
from tests.support.heed import SETTINGS

PAIRS = 300
LETTERS = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 "
SPECIAL = ",;:.@<>()[]\"\\'=?_-!*/&%#$~`|{}^+"
# Not U+FEFF: postal-mime drops it at the beginning of an encoded word, as a byte order mark.
FOREIGN = "éüßñÆ漢字ひらЖעברית مرحبا 😀👩‍👩‍👧🏽\u200f\u202e\u200b\u00ad\u3000\u00a0"
MEANINGFUL = ["=?utf-8?q?", "=?utf-8?b?SGk=?=", "?=", "=?x?=", ", ", '\\"', "  ", " <eve@example.com>", '"']
GIVEN = [
    ("Lovelace, Ada", "Hopper, Grace"),
    ("Landesamt fuer Beispielwesen, Abteilung fuer Grundsatzfragen und Oeffentlichkeitsarbeit", "Grace"),
    ("x" * 200, '"' * 200),
    ("\\" * 200, "a, " * 66 + "b"),
    ("😀" * 200, "(" * 200),
    ("'single'", "\\"),
    ("=?utf-8?q?Eve_=3Ceve=40example.com=3E?=", "=?"),
    ("山田\u3000太郎", "two  blanks"),
]


def random_name(chance: random.Random) -> str:
    weights = [chance.choice(each) for each in ([1, 4], [0, 1, 2], [0, 0, 1, 3], [0, 0, 1])]
    length = chance.choice([1, 5, 20, 60, 73, 74, 90, 200])
    drawn = "".join(
        chance.choice(chance.choices([LETTERS, SPECIAL, FOREIGN, MEANINGFUL], weights)[0]) for _ in range(length)
    )
    return drawn[:200].strip() or "Ada"


def mail_of(number: int, pair: tuple[str, str], subject: str) -> bytes:
    names = [*pair, f"{pair[0]} "[:200].strip()]
    to = [Recipient(email=f"person{place}@example.com", name=name) for place, name in enumerate(names)]
    message = MessageFields.model_validate({"from": "rep1", "to": to, "cc": to[:1], "subject": subject})
    sender = StoredUser(id="rep1", email="rep@acme.example", name=pair[1])
    return compose(message, Body(text="Hi"), sender, f"<{number}@acme.example>", datetime(2026, 5, 4, tzinfo=UTC)).mime


async def arrived(kind: str, mails: Sequence[bytes]) -> list[Read]:
    """Send the mails to a server, each in a hand-over of its own, and read what it delivered, in their order."""
    async with started(kind) as server:
        smtp = SmtpTransport(load_settings({**SETTINGS, **server.settings}))
        for mail in mails:
            assert await smtp.send(Envelope("rep@acme.example", ("person0@example.com",), mail)) == Accepted()
        await smtp.close()
        await server.settle()
        return await read_by_postal_mime([server.mails[f"<{number}@acme.example>"] for number in range(len(mails))])


@pytest.mark.parametrize("kind", KINDS)
async def test_names_and_subjects_arrive_exactly_as_they_were_given(kind: str) -> None:
    chance = random.Random(20260504)
    pairs = [*GIVEN, *((random_name(chance), random_name(chance)) for _ in range(PAIRS))]
    subjects = [random_name(chance) for _ in pairs]
    mails = [mail_of(number, pair, subject) for number, (pair, subject) in enumerate(zip(pairs, subjects, strict=True))]

    read = await arrived(kind, mails)

    assert len(read) == len(pairs)
    for got, pair, subject in zip(read, pairs, subjects, strict=True):
        assert got.sender == (pair[1], "rep@acme.example")
        assert [name for name, _ in got.to] == [*pair, pair[0]]
        assert [address for _, address in got.to] == [f"person{number}@example.com" for number in range(3)]
        assert got.cc == [(pair[0], "person0@example.com")]
        assert got.subject == subject


def header_lines(mime: bytes) -> list[str]:
    return mime.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")


def test_no_line_breaks_inside_quotes_and_encoded_words_keep_their_length() -> None:
    chance = random.Random(7)
    for number in range(PAIRS):
        for line in header_lines(mail_of(number, (random_name(chance), random_name(chance)), "Hello")):
            assert re.sub(r"\\.", "", line).count('"') % 2 == 0, line
            assert all(len(word) <= 75 for word in re.findall(r"=\?utf-8\?\S+", line)), line
            assert len(line) <= 998


def test_short_mailboxes_share_a_line_of_at_most_78_characters() -> None:
    lines = header_lines(mail_of(1, ("Lovelace, Ada", "Hopper, Grace"), "Hello"))
    start = lines.index('To: "Lovelace, Ada" <person0@example.com>,')
    assert lines[start + 1] == ' "Hopper, Grace" <person1@example.com>, "Lovelace, Ada" <person2@example.com>'


def test_the_first_word_of_a_subject_stays_on_its_line_however_long() -> None:
    first = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft"
    lines = header_lines(mail_of(1, ("Ada", "Grace"), f"{first} meets on Monday"))
    start = lines.index(f"Subject: {first}")
    assert lines[start + 1] == " meets on Monday"


def test_the_first_encoded_word_of_a_subject_stays_on_its_line() -> None:
    lines = header_lines(mail_of(1, ("Ada", "Grace"), "Ü" * 300))
    [subject] = [line for line in lines if line.startswith("Subject:")]
    assert subject.startswith("Subject: =?utf-8?")
    assert len(subject) <= 76
