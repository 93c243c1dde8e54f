"""A person stops, sees and erases in Chromium, in every language; axe-core finds nothing wrong with any page."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from functions.pages.recipient.page import words_in
from lib.languages import LANGUAGES, SpokenLanguage
from tests.browser.devtools import Tab, chromium
from tests.browser.site import Site, check_page, go, leave_by, served
from tests.functions.recipient_facing.test_stops import settle
from tests.support.heed import GMAIL, Heed
from tests.support.recipient_page import ADA, BOB, page_in, page_of_mail
from tests.support.remains import remains_of

_SETTINGS = {
    "recipients_page": True,
    "lawful_basis": "legitimate_interest",
    "privacy_notice_url": "https://acme.example/privacy",
}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with served(lambda _: Heed().start(**_SETTINGS)) as found:
        yield found


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with chromium(tmp_path / "profile") as found:
        yield found


async def press(tab: Tab, label: str) -> None:
    """Press the button that says this."""
    button = f"[...document.querySelectorAll('button')].find(each => each.innerText === {json.dumps(label)})"
    assert await tab.value(f"Boolean({button})"), label
    await leave_by(tab, f"{button}.click()")


async def heading(tab: Tab) -> Any:
    return await tab.value("document.querySelector('h1').innerText")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_person_stops_sees_and_erases(site: Site, tab: Tab, language: SpokenLanguage) -> None:
    heed, words = site.heed, words_in(language)
    page = await page_of_mail(heed, subject="Our offer")
    await heed.hit(heed.urls("o")[0], GMAIL, x_forwarded_for="203.0.113.7")
    await heed.hit(heed.urls("c")[0], x_forwarded_for="198.51.100.9")
    await settle(heed)

    await go(tab, f"{site.origin}{page}?lang={language}")
    assert await heading(tab) == words.title
    assert await tab.value("document.documentElement.lang") == language
    await check_page(tab)
    await press(tab, words.stop_button)
    assert await heading(tab) == words.stopped
    await check_page(tab)
    assert (await heed.get("/consents/ada@example.com"))["follow"] == "do_not_allow"

    await go(tab, f"{site.origin}{page}?lang={language}")
    await press(tab, words.see_button)
    assert await heading(tab) == words.link_asked
    await check_page(tab)
    await heed.work()
    await go(tab, f"{site.origin}{page_in(heed.mail())}?lang={language}")
    assert await heading(tab) == words.proof
    await check_page(tab)
    await press(tab, words.proof_button)
    assert await heading(tab) == words.recorded.format(email="ada@example.com")
    await tab.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    shown = await tab.value("document.body.innerText")
    for said in ("Our offer", words.kinds["open"], words.kinds["click"], "203.0.113.0/24", words.said_no):
        assert said in shown
    assert not re.search(r"\{\w*\}", shown)
    await check_page(tab)

    await press(tab, words.erase_button)
    assert await heading(tab) == words.confirm
    await check_page(tab)
    await press(tab, words.confirm_button)
    assert await heading(tab) == words.erasing
    await check_page(tab)
    before, after = words.erasing_text.split("{job}")
    job = (await tab.value("document.querySelector('h1 + p').innerText")).removeprefix(before).removesuffix(after)

    await heed.work()
    assert (await heed.get(f"/jobs/{job}"))["status"] == "done"
    assert await remains_of(heed.storage, "ada@example.com") == []
    [message] = (await heed.get("/messages"))["items"]
    assert message["kpis"]["raw"] == {"opens": 0, "clicks": 0, "attachment_views": 0}
    await press(tab, words.proof_button)
    assert await heading(tab) == words.erased
    await check_page(tab)
    assert {path.split("/")[1] for path in site.asked} <= {"p", "favicon.ico"}


async def test_the_browser_itself_asks_for_a_whole_address(site: Site, tab: Tab) -> None:
    page, words = await page_of_mail(site.heed, to=[ADA, BOB]), words_in("en")
    await go(tab, f"{site.origin}{page}?lang=en")
    await check_page(tab)

    await tab.value("document.querySelector('[value=stop]').click()")
    assert await tab.value("document.querySelector('input').matches(':invalid')")
    assert await heading(tab) == words.title
    await tab.value("document.querySelector('input').value = 'bob@localhost'")  # one that browsers take
    await press(tab, words.stop_button)
    assert await tab.value("document.querySelector('[aria-invalid]').getAttribute('aria-describedby')") == "hint wrong"
    await check_page(tab)
    await tab.value("document.querySelector('input').value = 'bob@example.com'")
    await press(tab, words.stop_button)
    assert await heading(tab) == words.stop_asked
    await site.heed.work()
    assert (await site.heed.get("/consents/bob@example.com"))["follow"] == "do_not_allow"


async def test_a_chosen_language_stays(site: Site, tab: Tab) -> None:
    await go(tab, f"{site.origin}{await page_of_mail(site.heed)}")

    await leave_by(tab, "document.querySelector('nav [lang=it]').click()")
    await press(tab, words_in("it").stop_button)

    assert await heading(tab) == words_in("it").stopped


async def test_every_button_is_reached_by_the_keyboard_and_is_seen_when_it_is(site: Site, tab: Tab) -> None:
    await go(tab, f"{site.origin}{await page_of_mail(site.heed)}?lang=en")
    reached = []
    for _ in range(12):
        await tab.press_tab()
        reached.append(await tab.value("document.activeElement.innerText"))
        if document := await tab.value("document.activeElement.localName"):
            outline = await tab.value("getComputedStyle(document.activeElement).outlineStyle")
            assert document == "body" or outline == "solid"

    words = words_in("en")
    assert {words.stop_button, words.see_button, words.allow_button, words.notice} <= set(reached)
