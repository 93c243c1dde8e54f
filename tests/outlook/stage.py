"""The add-in in Chromium, over a real Heed, with a stand-in for Outlook (`office.js`)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from functions.outlook.pages import OFFICE
from tests.console.site import browsing, new_tab, serving_heed
from tests.support.heed import BASE_URL, Heed, Response

STAND_IN = Path(__file__).parent / "office.js"
REP = {"emailAddress": "rep@acme.example", "displayName": "Rita Rep"}
ADA = {"emailAddress": "ada@example.com", "displayName": "Ada Lovett"}
BOB = {"emailAddress": "bob@fabrikam.example", "displayName": "bob@fabrikam.example"}
HTML = (
    "<html><head><style><!-- p {margin:0} --></style></head><body>\r\n<p>Dear Ada, here is "
    '<a href="https://shop.example/offer?b=1&amp;c=2">our offer</a>.</p><!--[if mso]><v:rect/><![endif]-->'
    "</body></html>"
)
NARROW = 320
"""Pixels: the width of a pane in Outlook."""

_PATIENCE = 90
"""Seconds."""

_FAR = 4_000_000_000_000
"""Milliseconds: a token that has not ended."""


def written(**fields: Any) -> dict[str, Any]:
    """A mail that is being written."""
    return {
        "from": REP,
        "to": [ADA],
        "cc": [],
        "bcc": [],
        "subject": "Our offer",
        "body": HTML,
        "bodyType": "html",
        "itemClass": "IPM.Note",
        "inReplyTo": None,
        "properties": {},
        "headers": {},
        **fields,
    }


def arrived(**fields: Any) -> dict[str, Any]:
    """A mail that is read."""
    return {
        "from": ADA,
        "subject": "Re: Our offer",
        "itemClass": "IPM.Note",
        "internetMessageId": "<answer1@example.com>",
        "at": "2026-05-04T09:20:00Z",
        "mime": "",
        "properties": {},
        **fields,
    }


class Stage:
    """One browser and one address for the Heeds of several tests: each test brings its own."""

    browser: Any
    heed: Heed

    async def request(self, *given: Any, **named: Any) -> Response:
        return await self.heed.request(*given, **named)

    async def token(self, user: str = "rep1") -> str:
        return str((await self.heed.post(f"/users/{user}/tokens"))["token"])

    async def open(self, page: str, item: Any, *, token: str | None = None, **outlook: Any) -> Outlook:
        """Open a page of the add-in, as Outlook does that shows the item. Without a token nobody is signed in."""
        options = {name: outlook.pop(name) for name in ("width", "timezone_id", "color_scheme") if name in outlook}
        tab = await new_tab(self.browser, **{"width": NARROW, **options})
        shown = Outlook(tab)
        tab.on("console", shown.hear)
        tab.on("pageerror", lambda error: shown.complaints.append(f"{error}"))
        await tab.context.route(OFFICE, lambda route: route.fulfill(path=STAND_IN, content_type="text/javascript"))
        kept = {"heed.token": token, "heed.ends": f"{_FAR}"} if token else {}
        await tab.add_init_script(
            f"globalThis.standIn = {json.dumps({'item': item, **outlook})};"
            f"if (location.origin === {json.dumps(BASE_URL)})"
            f" Object.entries({json.dumps(kept)}).forEach(([name, value]) => sessionStorage.setItem(name, value));"
        )
        await tab.goto(f"{BASE_URL}/outlook/acme/{page}")
        return shown


class Outlook:
    """A tab in which Outlook shows the add-in."""

    def __init__(self, tab: Any) -> None:
        self.tab = tab
        self.complaints: list[str] = []
        """What the tab complains of, such as what the page's policy refuses."""

    def hear(self, said: Any) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    async def send(self, item: Any = None) -> None:
        """Press Send, on another item if one is given."""
        await self.tab.evaluate("item => { if (item) standIn.item = item; standIn.send(); }", item)

    async def left(self) -> dict[str, Any]:
        """Wait until the handler has completed; what it said, with the mail as it left."""
        async with asyncio.timeout(_PATIENCE):  # a mail that never leaves fails the test, and does not stop it
            await self.tab.evaluate("standIn.left")
        return await self.left_by_now()

    async def left_by_now(self) -> dict[str, Any]:
        """The same of a mail that has left already."""
        completed = await self.tab.evaluate("standIn.completed")
        assert len(completed) == 1
        return cast(dict[str, Any], completed[0])

    async def item(self) -> dict[str, Any]:
        return cast(dict[str, Any], await self.tab.evaluate("standIn.item"))

    async def ready(self) -> str:
        """Wait until the pane is not busy; its text."""
        await self.tab.wait_for_selector("#content:not([aria-busy])")
        return str(await self.tab.inner_text("body"))


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    stage = Stage()
    async with serving_heed(cast(Heed, stage), folder) as port, browsing(port) as browser:
        stage.browser = browser
        yield stage
