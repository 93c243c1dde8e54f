"""`python -m demo.pictures`: pictures of the console, from the demo of a running Heed.

They stand in README.md and docs/console.md.
Each screen of the menu is taken, so a new one needs no line here, and some pages that a menu does not lead to. Pictures
are taken with Debian's Chromium, in which they become WebP.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from demo.names import SELLERS
from demo.running_api import NOT_RUNNING, RunningApi
from demo.stage import DemoError
from demo.texts import TEMPLATES
from infra.local.child import ROOT
from infra.local.run import DEFAULT_DATA_DIR
from infra.local.running import find_running

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

FOLDER = ROOT / "docs" / "images" / "console"
PAGE = ROOT / "docs" / "console.md"
BEGIN, END = "<!-- begin: pictures -->", "<!-- end: pictures -->"
WIDTHS: Mapping[str, int] = {"wide": 1280, "narrow": 360}
_HEIGHT = 900
_TALLEST = 1500
_QUALITY = 0.86
_USER = SELLERS[0][0]
_ENGLISH = {each.id for each in TEMPLATES if each.language == "en"}

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


@dataclass(frozen=True, slots=True)
class Screen:
    """A page of the console."""

    name: str
    """Name of the picture's file."""
    title: str
    path: str


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
        keys = {scope: await api.make_key(scope) for scope in ("full", "admin")}
        details = await _details(api, keys["full"])
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            camera = Camera(browser, f"{running.url}/console/", await browser.new_page())
            return await _take_all(camera, keys, details)
        finally:
            await browser.close()


async def _take_all(camera: Camera, keys: Mapping[str, str], details: Sequence[Screen]) -> list[Screen]:
    empty_folder()
    taken: dict[str, Screen] = {}
    for scope, key in keys.items():
        seen = set(taken)
        for name, width in WIDTHS.items():
            page = await camera.sign_in(key, width, "light")
            found = [*await camera.screens_of_menu(page), *(details if scope == "full" else ())]
            for screen in found:
                if screen.name not in seen:
                    save(f"{screen.name}-{name}", await camera.take(page, screen))
                    taken[screen.name] = screen
            await page.context.close()
    message = details[0]
    for scheme in ("light", "dark"):
        page = await camera.sign_in(keys["full"], WIDTHS["wide"], scheme)
        save(f"readme-{scheme}", await camera.take(page, message, _HEIGHT))
        await page.context.close()
    write_list(list(taken.values()))
    return list(taken.values())


class Camera:
    """A browser before the console at `home`."""

    def __init__(self, browser: Browser, home: str, darkroom: Page) -> None:
        self._browser = browser
        self._home = home
        self._darkroom = darkroom
        """A page without a policy, in which pictures are converted."""

    async def sign_in(self, key: str, width: int, scheme: Any) -> Page:
        """Open a new browser window, and sign in with the key."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": _HEIGHT}, color_scheme=scheme, locale="en-GB"
        )
        page = await context.new_page()
        await page.goto(f"{self._home}sign-in")
        await page.fill("#key", key)
        await page.fill("#user", _USER)
        await page.click("form button")
        await page.wait_for_url(re.compile(r"/console/(?!sign-in)"))
        return page

    async def screens_of_menu(self, page: Page) -> list[Screen]:
        """List the pages that the menu leads to."""
        links = await page.locator("nav a[href^='/console/']").evaluate_all(
            "links => links.map(link => [link.getAttribute('href'), link.textContent.trim()])"
        )
        found: dict[str, Screen] = {}
        for href, words in links:
            path = href.removeprefix("/console/")
            if "?" not in path and words:
                name = path.replace("/", "-") or "today"
                # Of two links to a page the later one counts: the first is the logo.
                found[name] = Screen(name, " ".join(words.split()), path)
        return list(found.values())

    async def take(self, page: Page, screen: Screen, height: int = _TALLEST) -> bytes:
        """Take a picture of the page from its top, down to `height` pixels; WebP."""
        await page.goto(f"{self._home}{screen.path}")
        width = page.viewport_size["width"] if page.viewport_size else WIDTHS["wide"]
        whole = int(await page.evaluate("document.documentElement.scrollHeight"))
        clip: Any = {"x": 0, "y": 0, "width": width, "height": min(whole, height)}
        png = await page.screenshot(full_page=True, clip=clip)
        webp = await self._darkroom.evaluate(TO_WEBP, [base64.b64encode(png).decode(), _QUALITY])
        return base64.b64decode(webp)


async def _details(api: RunningApi, key: str) -> list[Screen]:
    """Choose the pages of single things: the message that tells most first."""
    found = [each async for each in api.list_items("/messages?view=followed&sort=-sent_at&", key, _USER)]
    received = [each async for each in api.list_items("/messages?view=received&sort=-sent_at&", key, _USER)]
    message = max(found, key=_told_by)
    screens = [Screen("message", "A message", f"messages/{message['id']}")]
    scanned = next((each for each in found if each["kpis"]["machine"]["opens"] and not each["kpis"]["opens"]), None)
    if scanned:
        screens.append(Screen("message-scanned", "A message that only scanners opened", f"messages/{scanned['id']}"))
    threads = [each["conversation"] for each in received if each["kind"] == "reply" and each["conversation"]]
    if threads:
        english = {each["id"] for each in found if each["template"] in _ENGLISH}
        longest = max(threads, key=lambda each: (each in english, threads.count(each)))
        screens.append(Screen("conversation", "A conversation", f"conversations/{longest}"))
    return screens


def _told_by(message: Any) -> tuple[int, ...]:
    """Rate how much the page of a message shows: an answer, people's reading, and machines beside them."""
    kpis = message["kpis"]
    several = min(kpis["opens"], 3) + min(kpis["clicks"], 2) + min(kpis["attachment_views"], 1)
    machine = min(kpis["machine"]["opens"] + kpis["machine"]["clicks"], 4)
    return (message["template"] in _ENGLISH, min(kpis["replies"], 1) + several + machine, -len(message["to"]))


def empty_folder() -> None:
    """Remove the pictures of before."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)


def save(name: str, picture: bytes) -> None:
    """Save a picture."""
    (FOLDER / f"{name}.webp").write_bytes(picture)


def write_list(screens: Sequence[Screen]) -> None:
    """Write the list of pictures into docs/console.md, between its marks."""
    lines = [BEGIN, "| | wide | narrow |", "|---|---|---|"]
    for each in screens:
        wide, narrow = (f"images/console/{each.name}-{width}.webp" for width in WIDTHS)
        lines.append(
            f'| {each.title} | <img src="{wide}" width="560" alt="{each.title}"> '
            f'| <img src="{narrow}" width="180" alt="{each.title} on a phone"> |'
        )
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2] if rest else "\n"
    heading = "" if rest else "\n## What it looks like\n\nMade by `make pictures` from the demo.\n\n"
    PAGE.write_text(f"{before.rstrip()}\n{heading}" if heading else before, encoding="utf-8")
    with PAGE.open("a", encoding="utf-8") as file:
        file.write("\n".join([*lines, END]) + after)


def main() -> int:
    """Take the pictures, or say why not. Returns the exit code."""
    data_dir = ROOT / os.environ.get("HEED_DATA_DIR", DEFAULT_DATA_DIR)
    try:
        screens = asyncio.run(take_pictures(data_dir))
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(screens)} screens are in {FOLDER.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
