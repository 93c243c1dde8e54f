"""A mail's HTML is read once for all of its followed copies, and once for those that are not followed."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import quote

from lib.rewrite import markup
from lib.tokens import Purpose
from lib.transports.memory import MemoryTransport
from tests.support.copying import deliver, states
from tests.support.heed import Heed
from tests.support.pictures import png

MOST_READS = 2
TO = [f"person{number}@example.com" for number in range(20)]
FILE = "/messages/{}/attachments?filename=offer.pdf&followed=true"
IMAGE = "/messages/{}/images?filename=logo.png"


async def mail_with_everything(heed: Heed) -> str:
    """Links, an image, a followed file, and older mail of ours that it quotes; it was told to go."""
    older = await heed.draft()
    [quoted] = (await heed.post(f"/messages/{older}/prepare"))["copies"]
    message = await heed.draft(to=[{"email": email} for email in TO])
    assert (await heed.api("POST", FILE.format(message), b"%PDF-1.4")).status == 201
    cid = (await heed.api("POST", IMAGE.format(message), png())).json["cid"]
    links = "".join(f'<p><a href="https://example.com/{n}?a=1&amp;b=2">no. {n}</a></p>' for n in range(3))
    html = f'<html><body>{links}<img src="cid:{quote(cid)}"><blockquote>{quoted["html"]}</blockquote></body></html>'
    assert (await heed.api("PATCH", f"/messages/{message}", {"html": html})).status == 200
    await heed.post(f"/messages/{message}/send")
    return message


def reads() -> int:
    return markup.read.cache_info().misses


async def test_a_mail_of_twenty_copies_is_read_twice_at_most() -> None:
    transport = MemoryTransport()
    heed = await Heed(transport=transport).start(mixed_recipients="split")
    await heed.put(f"/consents/{TO[3]}", {"follow": "do_not_allow"})
    message = await mail_with_everything(heed)
    before = reads()

    loaded = await deliver(heed, message)

    assert states(loaded) == ["sent"] * 21
    assert reads() - before <= MOST_READS


async def test_mails_that_go_out_at_the_same_time_are_each_read_twice_at_most() -> None:
    heed = await Heed(transport=MemoryTransport()).start(mixed_recipients="split")
    await heed.put(f"/consents/{TO[3]}", {"follow": "do_not_allow"})
    messages = [await mail_with_everything(heed) for _ in range(3)]
    before = reads()

    await asyncio.gather(*(deliver(heed, message) for message in messages))

    assert reads() - before <= MOST_READS * len(messages)


async def test_every_copy_is_what_it_would_be_if_it_were_the_only_one() -> None:
    transport = MemoryTransport()
    heed = await Heed(transport=transport).start(mixed_recipients="split")
    message = await mail_with_everything(heed)
    await deliver(heed, message)

    copies = {envelope.recipients[0]: envelope.content for envelope in transport.sent}
    assert list(copies) == TO
    for recipient in (0, 1, 19):
        html, text = copies[TO[recipient]].html or "", copies[TO[recipient]].text or ""
        assert claims(heed, html) == expected_claims(recipient)
        assert claims(heed, text) >= {(Purpose.CLICK, recipient, 2, "https://example.com/2?a=1&b=2")}
        assert without_tokens(html) == without_tokens(copies[TO[0]].html or "")
        assert without_tokens(text) == without_tokens(copies[TO[0]].text or "")
    assert len({content.html for content in copies.values()}) == len(TO)


def claims(heed: Heed, part: str) -> set[tuple[Purpose, int | None, int, str]]:
    """What the tokens in it say."""
    found = set()
    for token in re.findall(r"(?<=/)[\w-]{50,}", part):
        for purpose in Purpose:
            claim = heed.services.ring.open(purpose, token)
            if claim is not None:
                destination = "" if purpose is Purpose.IMAGE else claim.destination
                found.add((purpose, claim.recipient, claim.item, destination))
    return found


def expected_claims(recipient: int) -> set[tuple[Purpose, int | None, int, str]]:
    written = {(Purpose.CLICK, recipient, n, f"https://example.com/{n}?a=1&b=2") for n in range(3)}
    quoted = {(Purpose.CLICK, recipient, 3, "https://example.com/a?b=1&c=2")}
    others = {(Purpose.OPEN, recipient, 0, ""), (Purpose.ATTACHMENT, recipient, 0, "")}
    return written | quoted | others | {(Purpose.IMAGE, recipient, 0x8001, "")}


def without_tokens(part: str) -> str:
    return re.sub(r"[\w-]{50,}", "", part)
