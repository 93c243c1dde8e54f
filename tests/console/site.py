"""The console over HTTPS on this machine, as a browser sees it: its cookies are those of production."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from lib.tokens import Purpose
from tests.support.certificates import make_certificate, serving
from tests.support.heed import BASE_URL, Heed, Response

CHROMIUM: Final = shutil.which("chromium")
AXE: Final = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS: Final = {"wide": 1280, "narrow": 360}
_PATIENCE = 150_000
"""Milliseconds."""

FORM: Final = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}


def sealed(heed: Heed, words: str, organization: str = "acme") -> str:
    """Seal an address or words of a search, as links of the console hold them."""
    return heed.services.ring.seal(Purpose.WORDS, words.encode(), organization)


class Visitor:
    """A person with a browser that runs no scripts, asked through the routes of the app, without a network."""

    def __init__(self, heed: Heed) -> None:
        self.heed = heed
        self.cookie = ""

    async def sign_in(self, user: str = "rep1", key: str | None = None) -> Response:
        answer = await self.heed.request(
            "POST", "/console/sign-in", urlencode({"key": key or self.heed.key, "user": user}).encode(), headers=FORM
        )
        self.cookie = answer.headers.get("set-cookie", "").split(";")[0]
        return answer

    async def get(self, path: str = "") -> Response:
        return await self.heed.request("GET", f"/console/{path}", headers={"cookie": self.cookie})

    async def page(self, path: str = "") -> str:
        answer = await self.get(path)
        assert answer.status == 200, answer.body
        return answer.body.decode()

    async def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> Response:
        """Send a form that the pages of this session hold."""
        token = (await self.page()).partition('name="form_token" value="')[2].partition('"')[0]
        return await self.post_raw(path, {"form_token": token, **(fields or {})}, **headers)

    async def post_files(
        self, path: str, fields: Sequence[tuple[str, str]], files: Sequence[tuple[str, str, bytes]] = ()
    ) -> Response:
        """Send a form in parts, as browsers send files: each file is its field, its name and its bytes."""
        token = (await self.page()).partition('name="form_token" value="')[2].partition('"')[0]
        body = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
        for name, value in [("form_token", token), *fields]:
            body.add_field(name, value)
        for field, filename, content in files:
            body.add_field(field, content, filename=filename, content_type="application/octet-stream")
        written = body()
        headers = {**FORM, "cookie": self.cookie, "content-type": str(written.headers["content-type"])}
        return await self.heed.request("POST", f"/console/{path}", await written.as_bytes(), headers=headers)

    async def post_raw(self, path: str, fields: dict[str, str], **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**FORM, "cookie": self.cookie, **named}
        return await self.heed.request("POST", f"/console/{path}", urlencode(fields).encode(), headers=sent)


@asynccontextmanager
async def serving_heed(heed: Heed, folder: Path) -> AsyncIterator[int]:
    """Serve Heed over HTTPS; the port. Its own address is `https://heed.test`, which browsers are told to find here."""
    certificate, key = make_certificate(folder, "heed.test", "127.0.0.1")
    app = web.Application(client_max_size=64 * 1024 * 1024)

    async def answer(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() != "content-length"}
        found = await heed.request(request.method, request.path_qs, await request.read(), headers=headers)
        kept = {name: value for name, value in found.headers.items() if name != "content-length"}
        return web.Response(status=found.status, body=found.body, headers=kept)

    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving(certificate, key)).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def browsing(port: int, host: str = "heed.test:443", *, is_robot: bool = True) -> AsyncIterator[Any]:
    """Start Chromium, which finds the host at the port of this machine; the browser. Skips where there is none.

    No robot: it names itself as a Chromium with a window does, so that its requests are those of a person's browser.
    """
    if CHROMIUM is None:
        missing = "there is no chromium on this machine; on Debian: apt-get install chromium"
        if os.environ.get("HEED_TEST_NEEDS_CHROMIUM"):
            pytest.fail(missing)
        pytest.skip(missing)
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            timeout=_PATIENCE,
            args=[
                "--no-sandbox",
                f"--host-resolver-rules=MAP {host} 127.0.0.1:{port}",
                *([] if is_robot else [f"--user-agent={await _agent_with_a_window(CHROMIUM)}"]),
            ],
        )
        try:
            yield browser
        finally:
            await browser.close()


async def _agent_with_a_window(chromium: str) -> str:
    asked = await asyncio.create_subprocess_exec(chromium, "--version", stdout=PIPE, stderr=DEVNULL)
    said, _ = await asked.communicate()
    version = re.search(rb"\d+", said)
    assert version, said
    platform = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    return f"{platform} Chrome/{version[0].decode()}.0.0.0 Safari/537.36"


async def new_tab(browser: Any, width: int = WIDTHS["wide"], **options: Any) -> Any:
    """Open a tab with cookies of its own. It waits long, as machines that run tests have much to do."""
    context = await browser.new_context(ignore_https_errors=True, viewport={"width": width, "height": 800}, **options)
    context.set_default_timeout(_PATIENCE)
    return await context.new_page()


async def sign_in(page: Any, heed: Heed, user: str = "rep1") -> None:
    """Sign in by the form, as a person does."""
    await page.goto(f"{BASE_URL}/console/")
    await page.get_by_label("Key of your organization").fill(heed.key)
    await page.get_by_label("You", exact=True).fill(user)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Today").wait_for()
