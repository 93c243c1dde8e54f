"""The pages about the API: shapes open by a click, without a script; Swagger UI sends a request, under its policy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.devtools import Tab, chromium
from tests.browser.site import Site, check_page, go, served
from tests.support.heed import Heed

OPENED = "document.getElementById('MessageRead').closest('details').open"
LINK = 'main section > p a[href="#MessageRead"]'
VIOLATIONS = """
    window.violations = [];
    addEventListener('securitypolicyviolation', event =>
      violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with served(lambda origin: Heed(settings={"HEED_BASE_URL": origin}).start()) as found:
        yield found


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with chromium(tmp_path / "profile") as found:
        await found.call("Page.enable")
        await found.call("Page.addScriptToEvaluateOnNewDocument", source=VIOLATIONS)
        yield found


async def until(tab: Tab, script: str) -> Any:
    """Return what the script comes to, as soon as that is something."""
    for _ in range(1200):
        if found := await tab.value(script):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(script)


async def click(tab: Tab, selector: str) -> None:
    element = f"document.querySelector({json.dumps(selector)})"
    await until(tab, f"Boolean({element})")
    await tab.value(f"{element}.click()")


async def enter(tab: Tab, selector: str, text: str) -> None:
    element = f"document.querySelector({json.dumps(selector)})"
    await until(tab, f"Boolean({element})")
    await tab.value(f"{element}.focus(); {element}.select()")
    await tab.call("Input.insertText", text=text)


async def test_the_name_of_a_shape_opens_it(site: Site, tab: Tab) -> None:
    await go(tab, f"{site.origin}/api/docs")

    assert await tab.value(OPENED) is False
    await click(tab, LINK)
    await until(tab, OPENED)
    assert await tab.value("document.body.innerText.includes('`')") is False
    assert await tab.value("violations") == []


@pytest.mark.parametrize("path", ["/api/docs", "/api/errors"])
async def test_axe_finds_nothing_wrong_with_the_pages(site: Site, tab: Tab, path: str) -> None:
    await go(tab, f"{site.origin}{path}")

    assert await tab.value("getComputedStyle(document.querySelector('main')).display") == "block"
    assert await tab.value("document.styleSheets.length") == 1
    await check_page(tab)
    assert await tab.value("violations") == []


async def test_a_request_is_sent_with_a_key_and_its_answer_is_shown(site: Site, tab: Tab) -> None:
    await go(tab, f"{site.origin}/api/docs/try")
    await click(tab, ".btn.authorize")
    await enter(tab, ".modal-ux input[aria-label=auth-bearer-value]", site.heed.key)
    await click(tab, ".modal-ux .btn.authorize")
    await click(tab, ".modal-ux .btn-done")
    await click(tab, "#operations-tag-Organizations")
    operation = "#operations-Organizations-whoami_here"
    await click(tab, f"{operation} .opblock-summary-control")
    await enter(tab, f"{operation} [data-param-name=org] input", "acme")
    await click(tab, f"{operation} .execute")

    answer = await until(tab, f"document.querySelector('{operation} .live-responses-table')?.innerText")
    assert "200" in answer
    assert '"organization": "acme"' in answer
    assert "curl -X 'GET'" in await tab.value(f"document.querySelector('{operation} .curl-command').innerText")
    assert await tab.value("violations") == []
    assert {path for path in site.asked if not path.startswith("/api/docs/files/")} == {
        *("/api/docs/try", "/api/openapi.json", "/api/orgs/acme/whoami"),
        *(path for path in site.asked if path == "/favicon.ico"),
    }


async def test_the_page_for_trying_is_dark_where_the_system_is(site: Site, tab: Tab) -> None:
    await tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    await go(tab, f"{site.origin}/api/docs/try")
    await until(tab, "document.querySelector('.opblock-tag') !== null")

    assert await tab.value("document.documentElement.className") == "dark-mode"
