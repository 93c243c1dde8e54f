"""Heed over HTTP on this machine, for a browser: going from page to page, and what has to hold of every page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import web

from tests.browser.devtools import PageGoneError, Tab
from tests.support.heed import Heed

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
NARROW, WIDE = 320, 1280


class Site:
    """Heed over HTTP on this machine, and the paths that it was asked for."""

    def __init__(self) -> None:
        self.heed = Heed()
        self.asked: list[str] = []
        self.origin = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() != "content-length"}
        found = await self.heed.request(request.method, request.path_qs, await request.read(), headers=headers)
        kept = {name: value for name, value in found.headers.items() if name != "content-length"}
        return web.Response(status=found.status, body=found.body, headers=kept)


@asynccontextmanager
async def served(make: Callable[[str], Awaitable[Heed]]) -> AsyncIterator[Site]:
    """Serve the Heed that `make` makes for an origin."""
    site = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    site.origin = f"http://{host}:{port}"
    site.heed = await make(site.origin)
    yield site
    await runner.cleanup()


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


async def check_page(tab: Tab) -> None:
    """Have axe look at the page, light and dark, narrow and wide; and see that nothing has to be scrolled sideways."""
    if not AXE.exists():
        pytest.skip("there is no axe-core on this machine: npm ci")
    await tab.value(AXE.read_text(encoding="utf-8"))
    for width in (NARROW, WIDE):
        await tab.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
        )
        assert await tab.value("document.documentElement.scrollWidth <= window.innerWidth"), width
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await tab.call("Emulation.setEmulatedMedia", features=features)
            found = json.loads(await tab.value("axe.run().then(found => JSON.stringify(found.violations))"))
            faults = [(each["id"], each["impact"], each["nodes"][0]["html"]) for each in found]
            assert not faults, faults
