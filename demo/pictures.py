"""`python -m demo.pictures`: pictures of all screens of the console, from the demo of a running Heed.

They stand in README.md and docs/console.md. Pictures are taken with Debian's Chromium, in which they become WebP.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from html import escape
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import aiohttp

from demo.names import SELLERS
from demo.running_api import NOT_RUNNING, RunningApi
from demo.screens import ListItems, Screen, Who, find_screens
from demo.stage import DemoError
from functions.api.problems import problem_of
from functions.console.rendering import render
from infra.local.child import ROOT
from infra.local.run import DEFAULT_DATA_DIR
from infra.local.running import RunningHeed, find_running
from lib.ids import new_id
from lib.storage import Unavailable

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

Scheme = Literal["light", "dark"]

FOLDER = ROOT / "docs" / "images" / "console"
PAGE = ROOT / "docs" / "console.md"
BEGIN, END = "<!-- begin: pictures -->", "<!-- end: pictures -->"
WIDTHS: Mapping[str, int] = {"wide": 1280, "narrow": 360}
_SHORTEST, _TALLEST = 720, 1100
"""Pixels. A longer page goes on below its picture."""

_README_HEIGHT = 900
_QUALITY = 0.5
_USER = SELLERS[0][0]
_IN_THE_DARK = ("today", "message")

_EMPTY = "Before there is anything"
_EMPTY_SCREENS = (
    Screen(_EMPTY, "empty-today", "Today", "", "Nothing to do yet."),
    Screen(_EMPTY, "empty-messages", "Messages", "messages", "There is no mail yet, and what will stand here."),
    Screen(_EMPTY, "empty-people", "People", "people", "There is nobody yet, and where records come from."),
    Screen(_EMPTY, "empty-templates", "Templates", "templates", "There is no template yet, and a way to the first."),
)
_TROUBLE = "When something is wrong"
_NOTHING = Screen(_TROUBLE, "nothing-there", "A page that is not there", "nothing", "A sentence, and the way back.")
_DOWN = Screen(
    _TROUBLE,
    "storage-is-down",
    "Storage does not answer",
    "",
    "Storage does not answer just now, and recipients notice nothing of it.",
)

TO_WEBP = """async ([png, quality]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + png;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", quality).split(",")[1];
}"""


async def take_pictures(data_dir: Path) -> list[Screen]:
    """Take all pictures, and write the list of them into docs/console.md. Raises DemoError."""
    from playwright.async_api import async_playwright

    running, chromium = find_running(data_dir), shutil.which("chromium")
    if running is None:
        raise DemoError(NOT_RUNNING)
    if chromium is None:
        raise DemoError("There is no chromium on this machine; on Debian: apt-get install chromium")
    async with aiohttp.ClientSession() as session, async_playwright() as playwright:
        api = RunningApi(session, running)
        if not await api.is_there():
            raise DemoError("There is no demo yet: make demo")
        keys = {"seller": await api.make_key("full"), "admin": await api.make_key("admin"), "nobody": ""}
        keys["operator"] = running.admin_key
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            camera = Camera(browser, f"{running.url}/console/", await browser.new_page())
            read_page = partial(camera.read_page, keys["seller"])
            screens = await find_screens(_lister(api, keys["seller"]), _lister(api, keys["admin"]), read_page)
            empty_folder()
            taken = await _take_all(camera, keys, screens)
            async with _empty_organization(session, running) as key:
                taken += await _take_some(camera, key, _EMPTY_SCREENS)
            await _take_for_readme(camera, keys["seller"], screens)
        finally:
            await browser.close()
    write_list(taken)
    return taken


def _lister(api: RunningApi, key: str) -> ListItems:
    return lambda path: api.list_items(path, key, _USER)


@asynccontextmanager
async def _empty_organization(session: aiohttp.ClientSession, running: RunningHeed) -> AsyncIterator[str]:
    """Make an organization that has a user and nothing else, for a while; its key."""
    api = RunningApi(session, running, f"empty{new_id()[:8]}")
    fields = {"email": f"{_USER}@ostervik.example", "name": " ".join(SELLERS[0][1:3]), "time_zone": SELLERS[0][3]}
    await api.make_organization("A new organization", _USER, {**fields, "opt_in": True})
    try:
        yield await api.make_key("full")
    finally:
        await api.delete_organization()


async def _take_all(camera: Camera, keys: Mapping[str, str], screens: Sequence[Screen]) -> list[Screen]:
    """Take the screens of everyone, and some of them in the dark."""
    for who, key in keys.items():
        await _take_some(camera, key, [each for each in screens if each.who == who])
    dark = [_in_the_dark(each) for each in screens if each.name in _IN_THE_DARK]
    for who in ("seller", "admin"):
        await _take_some(camera, keys[who], [each for each in dark if each.who == who], "dark")
    trouble = await _take_some(camera, keys["seller"], [_NOTHING])
    return [*screens, *dark, *trouble, *await _take_some(camera, "", [_DOWN])]


def _in_the_dark(screen: Screen) -> Screen:
    return Screen("In the dark", f"{screen.name}-dark", screen.title, screen.path, screen.shows, screen.who)


async def _take_some(camera: Camera, key: str, screens: Sequence[Screen], scheme: Scheme = "light") -> list[Screen]:
    """Take screens of one person, wide and narrow."""
    for name, width in WIDTHS.items() if screens else ():
        page = await camera.sign_in(screens[0].who if key else "nobody", key, width, scheme)
        for screen in screens:
            save(f"{screen.name}-{name}", await camera.take(page, screen))
        await page.context.close()
    return list(screens)


async def _take_for_readme(camera: Camera, key: str, screens: Sequence[Screen]) -> None:
    message = next(each for each in screens if each.name == "message")
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        page = await camera.sign_in("seller", key, WIDTHS["wide"], scheme)
        save(f"readme-{scheme}", await camera.take(page, message, _README_HEIGHT))
        await page.context.close()


class Camera:
    """A browser before the console at `home`."""

    def __init__(self, browser: Browser, home: str, darkroom: Page) -> None:
        self._browser = browser
        self._home = home
        self._darkroom = darkroom
        """A page without a policy, in which pictures are converted."""

    async def sign_in(self, who: Who, key: str, width: int, scheme: Scheme) -> Page:
        """Open a new browser window, and sign in with the key; strangers stay outside."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": _SHORTEST}, color_scheme=scheme, locale="en-GB"
        )
        page = await context.new_page()
        if who == "nobody":
            return page
        await page.goto(f"{self._home}{'operator' if who == 'operator' else 'sign-in'}")
        await page.fill("#key", key)
        if who != "operator":
            await page.fill("#user", _USER)
        await page.click("form button")
        await page.wait_for_url(re.compile(r"/console/(?!sign-in)"))
        return page

    async def read_page(self, key: str, path: str) -> str:
        """Return the HTML of a page, as the salesperson with the key sees it."""
        page = await self.sign_in("seller", key, WIDTHS["wide"], "light")
        await page.goto(f"{self._home}{path}")
        html = await page.content()
        await page.context.close()
        return html

    async def take(self, page: Page, screen: Screen, tallest: int = _TALLEST) -> bytes:
        """Take a picture of the page from its top, down to `tallest` pixels; WebP. Raises DemoError."""
        url = f"{self._home}{screen.path}"
        if screen is _DOWN:
            await page.route(url, lambda route: route.fulfill(status=503, content_type="text/html", body=_down()))
        answer = await page.goto(url)
        if screen.group != _TROUBLE and (answer is None or answer.status != 200):
            raise DemoError(f"{screen.path} is not there. The demo may be of an older version: make demo replace=1")
        width = page.viewport_size["width"] if page.viewport_size else WIDTHS["wide"]
        await page.set_viewport_size({"width": width, "height": _SHORTEST})
        whole = int(await page.evaluate("document.documentElement.scrollHeight"))
        # The window is as tall as the picture, as the menu is as tall as the window.
        await page.set_viewport_size({"width": width, "height": min(whole, tallest)})
        await page.wait_for_load_state("networkidle")  # frames load when they come into the window
        png = await page.screenshot()
        webp = await self._darkroom.evaluate(TO_WEBP, [base64.b64encode(png).decode(), _QUALITY])
        return base64.b64decode(webp)


def _down() -> str:
    """Write the page that Heed answers with while storage is down."""
    problem = problem_of(Unavailable("storage does not answer"), has_if_match=False)
    return render("storage_is_down.html", {"problem": problem.document})


def empty_folder() -> None:
    """Remove the pictures of before."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)


def save(name: str, picture: bytes) -> None:
    """Save a picture."""
    (FOLDER / f"{name}.webp").write_bytes(picture)


def write_list(screens: Sequence[Screen]) -> None:
    """Write the list of pictures into docs/console.md, between its marks."""
    lines = [BEGIN]
    for group, some in groupby(screens, attrgetter("group")):
        lines += [f"### {group}", "", "| | wide | narrow |", "|---|---|---|", *map(_row, some), ""]
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text("\n".join([f"{before}{lines[0]}", *lines[1:-1], END]) + rest.partition(END)[2], encoding="utf-8")


def _row(screen: Screen) -> str:
    words = escape(f"{screen.title}. {screen.shows}")
    wide, narrow = (
        f'<img src="images/console/{screen.name}-{name}.webp" width="{width}" alt="{words}{more}">'
        for name, width, more in (("wide", 560, ""), ("narrow", 180, " On a phone."))
    )
    return f"| {screen.title} | {wide} | {narrow} |"


def main() -> int:
    """Take the pictures, or say why not. Returns the exit code."""
    data_dir = ROOT / os.environ.get("HEED_DATA_DIR", DEFAULT_DATA_DIR)
    try:
        screens = asyncio.run(take_pictures(data_dir))
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    size = sum(each.stat().st_size for each in FOLDER.iterdir())
    print(f"{len(screens)} screens are in {FOLDER.relative_to(ROOT)}, {size / 1e6:.1f} MB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
