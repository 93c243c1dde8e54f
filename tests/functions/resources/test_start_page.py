"""The page `/`: what answers at this address, and where it is documented."""

from __future__ import annotations

import re

import pytest

from tests.support.heed import Heed

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(("accept", "kind"), [(BROWSER, "text/html"), ("*/*", "text/plain"), (None, "text/plain")])
async def test_the_address_itself_says_what_it_is_and_where_the_docs_are(accept: str | None, kind: str) -> None:
    answer = await Heed().request("GET", "/", headers={"accept": accept} if accept else {})

    assert answer.status == 200
    assert answer.headers["content-type"].startswith(f"{kind}; charset=utf-8")
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("public, max-age=3600", "Accept")
    text = answer.body.decode()
    assert "sends and follows sales mail" in text
    assert "/api/docs" in text
    assert text.index("/console/") < text.index("/api/docs")


async def test_every_link_of_the_page_leads_somewhere_and_nothing_is_loaded_from_elsewhere(heed: Heed) -> None:
    page = (await heed.request("GET", "/", headers={"accept": BROWSER})).body.decode()

    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert len(links) == 5
    statuses = {link: (await heed.request("GET", link)).status for link in links}
    assert statuses.pop("/console/") == 303  # to its sign-in
    assert set(statuses.values()) == {200}
    assert "<script" not in page
    assert '<html lang="en">' in page


async def test_a_path_that_does_not_exist_is_not_the_start_page(heed: Heed) -> None:
    assert (await heed.request("GET", "/nothing")).status == 404
