"""A person stops, sees and erases in Chromium, in every language; axe-core finds nothing wrong with any page."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from functions.pages.recipient.page import words_in
from lib.languages import LANGUAGES, SpokenLanguage
from tests.browser.devtools import PageGoneError, Tab, chromium
from tests.functions.recipient_facing.test_recipient_page import ADA, BOB, page_in, page_of_mail
from tests.functions.recipient_facing.test_stops import settle
from tests.support.heed import GMAIL, Heed
from tests.support.remains import remains_of

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (320, 1280)
_SETTINGS = {
    "recipients_page": True,
    "lawful_basis": "legitimate_interest",
    "privacy_notice_url": "https://acme.example/privacy",
}


class Site:
    """Heed over HTTP on this machine, and the paths that it was asked for."""

    def __init__(self, heed: Heed) -> None:
        self.heed = heed
        self.asked: list[str] = []
        self.origin = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() != "content-length"}
        found = await self.heed.request(request.method, request.path_qs, await request.read(), headers=headers)
        kept = {name: value for name, value in found.headers.items() if name != "content-length"}
        return web.Response(status=found.status, body=found.body, headers=kept)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site(await Heed().start(**_SETTINGS))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    site.origin = f"http://{host}:{port}"
    yield site
    await runner.cleanup()


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with chromium(tmp_path / "profile") as found:
        yield found


async def leave_by(tab: Tab, script: str) -> None:
    """Run the script, which leaves the page, and wait until another page has come."""
    with suppress(PageGoneError):
        await tab.value(f"window.isOld = true; {script}")
    for _ in range(200):
        with suppress(PageGoneError):
            if await tab.value("document.readyState === 'complete' && !window.isOld && location.protocol === 'http:'"):
                return
        await asyncio.sleep(0.05)
    raise AssertionError("no other page has come")


async def go(tab: Tab, url: str) -> None:
    await leave_by(tab, f"location.href = {json.dumps(url)}")


async def press(tab: Tab, label: str) -> None:
    """Press the button that says this."""
    button = f"[...document.querySelectorAll('button')].find(each => each.innerText === {json.dumps(label)})"
    assert await tab.value(f"Boolean({button})"), label
    await leave_by(tab, f"{button}.click()")


async def heading(tab: Tab) -> Any:
    return await tab.value("document.querySelector('h1').innerText")


async def check_page(tab: Tab) -> None:
    """Have axe look at the page, light and dark, narrow and wide; and see that nothing has to be scrolled sideways."""
    if not AXE.exists():
        pytest.skip("there is no axe-core on this machine: npm ci")
    await tab.value(AXE.read_text(encoding="utf-8"))
    for width in WIDTHS:
        await tab.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
        )
        assert await tab.value("document.documentElement.scrollWidth <= window.innerWidth"), width
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await tab.call("Emulation.setEmulatedMedia", features=features)
            found = json.loads(await tab.value("axe.run().then(found => JSON.stringify(found.violations))"))
            assert [(each["id"], each["impact"], each["nodes"][0]["html"]) for each in found] == []


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
