"""The page of all endpoints: where a shape is named, a click leads to it and opens it, without a script."""

from __future__ import annotations

from pathlib import Path

from tests.browser.devtools import chromium
from tests.support.heed import Heed

OPENED = "document.getElementById('MessageRead').closest('details').open"
CLICKED = """
    const link = document.querySelector('a[href="#MessageRead"]');
    link.click();
    new Promise(done => setTimeout(done, 300))
"""


async def test_the_name_of_a_shape_opens_it(tmp_path: Path) -> None:
    answer = await (await Heed().start()).request("GET", "/api/docs")
    page = tmp_path / "docs.html"
    page.write_bytes(answer.body)
    async with chromium(tmp_path / "profile") as tab:
        await tab.call("Page.navigate", url=page.as_uri())
        for _ in range(100):
            if await tab.value("document.readyState === 'complete' && location.protocol === 'file:'"):
                break
        assert await tab.value(OPENED) is False
        await tab.value(CLICKED)
        assert await tab.value(OPENED) is True
        assert await tab.value("document.body.innerText.includes('`')") is False
