"""The page of a CRM: what a salesperson sees of a record, in Chromium, with a user's token from the CRM's server."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from infra.local.child import ROOT
from tests.browser.devtools import Tab, chromium
from tests.clients.opening import open_mail
from tests.end_to_end.running import ADMIN_KEY, Running, eventually

PAGE = ROOT / "clients" / "crm-page"
ORGANIZATION = "crmpage"
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"
POLICY = "default-src 'self'; connect-src 'self' {heed}; style-src 'self'; script-src 'self'"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


class Crm:
    """A CRM's server on loopback: the page, and tokens of the user who has signed in."""

    def __init__(self, heed: Running, key: str) -> None:
        self._heed = heed
        self.key = key
        self.signed_in = True
        self.url = ""

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/heed-token", self._token)
        app.router.add_get("/{name}", self._file)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _token(self, request: web.Request) -> web.Response:
        if not self.signed_in:
            return web.Response(status=401)
        url = f"{self._heed.base_url}/api/orgs/{ORGANIZATION}/users/rep1/tokens"
        async with (
            ClientSession(headers={"Authorization": f"Bearer {self.key}"}) as session,
            session.post(url) as answer,
        ):
            return web.json_response(await answer.json())

    async def _file(self, request: web.Request) -> web.Response:
        path = PAGE / request.match_info["name"]
        kinds = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
        text = path.read_text().replace("https://heed.example.com", self._heed.base_url).replace("acme", ORGANIZATION)
        headers = {"Content-Security-Policy": POLICY.format(heed=self._heed.base_url)}
        return web.Response(text=text, content_type=kinds[path.suffix], headers=headers)


@pytest.fixture
async def crm(heed: Running) -> AsyncIterator[Crm]:
    """A CRM without mails, whose page may call Heed."""
    crm = Crm(heed, await heed.organization(ORGANIZATION))
    runner = await crm.start()
    settings = {"settings": {"cors_origins": [crm.url], "alert_on": "any"}}
    await heed.request("PATCH", f"/api/orgs/{ORGANIZATION}", key=ADMIN_KEY, json=settings)
    yield crm
    await runner.cleanup()


@pytest.fixture
async def opened_mails(heed: Running, crm: Crm) -> None:
    """The records contact/c1 and contact/c2 each have a mail that was opened, and its card."""
    path, key = f"/api/orgs/{ORGANIZATION}", crm.key
    for record, subject in (("c1", HOSTILE), ("c2", "Not for this page")):
        await heed.request("PUT", f"{path}/records/contact/{record}", key=key, json={"name": "Ada"})
        recipient = {"email": f"{record}@example.com", "record": {"type": "contact", "id": record}}
        mail = {"from": "rep1", "to": [recipient], "subject": subject, "html": "<p>Hi</p>", "send": True}
        status, _ = await heed.request("POST", f"{path}/messages", key=key, json=mail)
        assert status == 201
        await open_mail(heed, subject)

    async def carded() -> Any:
        cards = (await heed.request("GET", f"{path}/cards", key=key, user="rep1"))[1]["items"]
        return cards if len(cards) == 2 else None

    await eventually(carded)


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with chromium(tmp_path / "profile") as found:
        yield found


async def seen(tab: Tab, pattern: str) -> str:
    """The page's text as soon as it has the pattern."""

    async def look() -> str | None:
        text = str(await tab.value("document.body?.innerText ?? ''"))
        return text if re.search(pattern, text) else None

    return str(await eventually(look))


@pytest.mark.usefixtures("opened_mails")
async def test_a_salesperson_sees_the_mails_and_cards_of_a_record(crm: Crm, tab: Tab) -> None:
    await tab.call("Page.navigate", url=f"{crm.url}/index.html")
    text = await seen(tab, "Opens 1 · Clicks 0 · Replies 0")

    assert HOSTILE in text
    assert "Not for this page" not in text
    assert await tab.value("document.title") == "Mail with Ada Lovelace"
    assert await tab.value("document.querySelectorAll('#cards button').length") == 1

    await tab.call("Runtime.evaluate", expression=AXE.read_text())
    found = await tab.value("axe.run().then(result => JSON.stringify(result.violations.map(each => each.id)))")
    assert json.loads(found) == []

    await tab.value("document.querySelector('#cards button').click()")
    await seen(tab, r"To do\s+Nothing yet\.")


async def test_a_user_who_is_signed_out_is_told(crm: Crm, tab: Tab) -> None:
    crm.signed_in = False
    await tab.call("Page.navigate", url=f"{crm.url}/index.html")

    assert await seen(tab, "This did not work: Please sign in again.")
