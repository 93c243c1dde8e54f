"""Thirty real mails, through the API, SMTP and back: links lead where they led, and nothing else has changed."""

from __future__ import annotations

import html
import re
from functools import partial
from pathlib import Path

import pytest

from tests.end_to_end.running import Running, eventually
from tests.end_to_end.test_a_followed_mail import html_part

TEMPLATES = Path(__file__).parents[3] / "shared" / "data" / "templates"
MAILS = sorted(TEMPLATES.glob("*.html"))


@pytest.mark.skipif(not MAILS, reason=f"there are no sample mails in {TEMPLATES}")
async def test_every_link_of_real_mails_leads_where_it_led_and_the_rest_is_the_same(heed: Running) -> None:
    organization = f"thirty{heed.base_url.rpartition(':')[2]}"
    key = await heed.organization(organization)
    originals = {}
    for number, path in enumerate(MAILS):
        original = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        # Some templates have placeholders for addresses only: a few real ones make every mail worth its way.
        real = f'href="https://example.com/{number}?a=1&amp;b=%7Cx,y+z#top"'
        original = original.replace('href="#"', real).replace('href="http://"', real)
        subject = f"Sample {number} to {organization}: {path.stem}"
        draft = {"from": "rep1", "to": [{"email": "ada@example.com"}], "subject": subject, "html": original}
        _, message = await heed.request("POST", f"/api/orgs/{organization}/messages", key=key, json=draft)
        await heed.request("POST", f"/api/orgs/{organization}/messages/{message['id']}/send", key=key)

        originals[subject] = original

    for subject, original in originals.items():
        received = html_part(await eventually(partial(heed.inbox, subject)))
        received, pixels = re.subn(rf'<img src="{heed.base_url}/o/[^>]*>', "", received)
        assert pixels == 1, subject
        await _check_links(heed, subject, original, received)


async def _check_links(heed: Running, name: str, original: str, received: str) -> None:
    """Between our URLs, the received text is the original's; in their places stood what they redirect to."""
    pieces = re.split(rf"({heed.base_url}/c/[A-Za-z0-9_-]+)", received)
    assert original.startswith(pieces[0]), name
    place = len(pieces[0])
    for url, following in zip(pieces[1::2], pieces[2::2], strict=True):
        end = original.index(following, place) if following else len(original)
        status, location = await heed.visit(url)
        assert (status, location) == (302, html.unescape(original[place:end]).strip()), name
        place = end + len(following)
    assert place == len(original), name
    assert len(pieces) // 2 == len(_followed_links(original)), name


def _followed_links(original: str) -> list[str]:
    """Find the links that are to be followed: all to the web but for those that end a subscription."""
    start = r"""<(?:a|area|v:\w+)\b[^>]*?[\s"']href\s*=\s*["']?\s*https?://[^"'\s>]"""
    links = re.findall(rf"{start}[^>]*>[^<]*", original, re.IGNORECASE)
    return [link for link in links if not re.search("(?i)unsubscribe", link)]
