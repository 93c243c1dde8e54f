"""A hostile template does nothing in its preview: Chromium runs no script of it, and asks for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from functions.pages.template_preview import HEADERS, template_preview_page
from lib.templates.models import Rendered, StoredTemplate
from tests.browser.devtools import Tab, chromium

HOSTILE = """
<style>@import "/import.css"; p { background: url("{origin}/background.png") }</style>
<link rel="stylesheet" href="{origin}/style.css"><script src="{origin}/script.js"></script>
<script>fetch("{origin}/fetch"); parent.document.title = "taken"; top.location = "{origin}/top"</script>
<meta http-equiv="refresh" content="0;url={origin}/refresh"><base href="{origin}/base/">
<p>Hi Ada</p><img src="{origin}/image.png"><img src="x" onerror="fetch('{origin}/onerror')">
<iframe src="{origin}/frame"></iframe><object data="{origin}/object"></object>
<video autoplay src="{origin}/video"></video>
<form action="{origin}/form"><input autofocus onfocus="form.submit()"></form>
"""
TEMPLATE = StoredTemplate(
    id="t1", name="Intro", language="en", subject="", version=1, digest="", changed_at=datetime(2026, 5, 4, tzinfo=UTC)
)


class Server:
    """Serves the page, and notes what else it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.origin = ""
        self.page = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.Response(
            text=self.page if request.path == "/page" else "", content_type="text/html", headers=HEADERS
        )


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server, app = Server(), web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.origin = f"http://{host}:{port}"
    html = HOSTILE.replace("{origin}", server.origin)
    server.page = template_preview_page(TEMPLATE, 1, Rendered(subject="Hello", html=html, text="Hi", empty_fields=[]))
    yield server
    await runner.cleanup()


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with chromium(tmp_path / "profile") as found:
        yield found


LOADED = """new Promise(done => {
  const shown = () => document.querySelector("iframe") && setTimeout(() => done(document.title), 500);
  document.readyState === "complete" ? shown() : addEventListener("load", shown);
})"""


async def test_nothing_is_run_or_loaded(server: Server, tab: Tab) -> None:
    await tab.call("Page.navigate", url=f"{server.origin}/page")

    assert await tab.value(LOADED) == "Intro: preview"
    assert server.asked == ["/page"]


async def test_nothing_is_run_or_loaded_by_a_client_that_shows_the_page_without_its_headers(
    server: Server, tab: Tab
) -> None:
    await tab.show(server.page)

    assert await tab.value(LOADED) == "Intro: preview"
    assert server.asked == []


async def test_outside_of_the_preview_it_would_ask_for_much(server: Server, tab: Tab) -> None:
    harmless = [line for line in HOSTILE.splitlines() if line.startswith(("<link", "<p>"))]

    await tab.show("".join(harmless).replace("{origin}", server.origin))
    await tab.value(LOADED.replace('document.querySelector("iframe") && ', ""))

    assert {"/image.png", "/style.css", "/onerror"} <= set(server.asked)
