"""No person comes to the honeypot: Chromium does not show it, read it out or reach it by the keyboard.

That holds for the mail as it goes out, and for what is left of it in clients that take styles away.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.devtools import Tab, chromium
from tests.support.rewriting import NEW

MAIL = (
    "<!DOCTYPE html><body style='margin:8px'><p>Hello Ada, <a href='https://a.example/'>our offer</a> and "
    "<a href='https://b.example/'>our shop</a>.</p><div>Yours</div></body>"
)
STYLE = re.compile(r'(<a [^>]*aria-hidden[^>]*) style="[^"]*"')
ATTRIBUTES = re.compile(r'(<a href="[^"]*") aria-hidden[^>]*')


@dataclass(frozen=True)
class Seen:
    """What people perceive of a mail. `boxes` are the width and height of every box that the honeypot has."""

    boxes: list[tuple[float, float]]
    read_out: list[str]
    reached_by_tab: set[str]
    text: str
    picture: str
    dark_picture: str


async def look_at(tab: Tab, html: str, honeypot: str) -> Seen:
    await tab.show(html)
    link = f"document.querySelector('a[href=\"{honeypot}\"]')"
    boxes = await tab.value(f"[...({link}?.getClientRects() ?? [])].map(box => [box.width, box.height])")
    await tab.call("Accessibility.enable")
    nodes = (await tab.call("Accessibility.getFullAXTree"))["nodes"]
    links = [node for node in nodes if not node["ignored"] and node["role"]["value"] == "link"]
    reached = set()
    for _ in range(6):  # twice round
        await tab.press_tab()
        reached.add(await tab.value("document.activeElement.getAttribute('href')"))
    await tab.value("document.activeElement.blur()")
    text = await tab.value("document.body.innerText")
    picture = (await tab.call("Page.captureScreenshot"))["data"]
    await tab.call("Emulation.setAutoDarkModeOverride", enabled=True)
    dark_picture = (await tab.call("Page.captureScreenshot"))["data"]
    await tab.call("Emulation.setAutoDarkModeOverride", enabled=False)
    return Seen(boxes, [node["name"]["value"] for node in links], reached - {None}, text, picture, dark_picture)


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with chromium(tmp_path / "profile") as found:
        yield found


def with_honeypot() -> tuple[str, str]:
    """The mail, and the honeypot's URL in it."""
    rewritten = NEW.followed(MAIL, honeypot=True)
    assert rewritten.html is not None
    return rewritten.html, NEW.link(rewritten.honeypots[0], rewritten.links[0])


async def test_nobody_sees_hears_or_reaches_it(tab: Tab) -> None:
    html, url = with_honeypot()

    without = await look_at(tab, NEW.followed(MAIL).html or "", url)
    seen = await look_at(tab, html, url)

    assert seen == without
    assert seen.boxes == []
    assert seen.read_out == ["our offer", "our shop"]
    assert len(seen.reached_by_tab) == 2
    assert seen.dark_picture != seen.picture


async def test_nobody_sees_hears_or_reaches_it_where_styles_are_taken_away(tab: Tab) -> None:
    html, url = with_honeypot()
    stripped, count = STYLE.subn(r"\1", html)

    without = await look_at(tab, NEW.followed(MAIL).html or "", url)
    seen = await look_at(tab, stripped, url)

    assert count == 1
    assert all(width * height == 0 for width, height in seen.boxes)
    assert (seen.read_out, seen.reached_by_tab) == (without.read_out, without.reached_by_tab)
    assert (seen.text, seen.picture, seen.dark_picture) == (without.text, without.picture, without.dark_picture)


async def test_nobody_sees_it_where_attributes_and_styles_are_taken_away(tab: Tab) -> None:
    html, url = with_honeypot()
    stripped, count = ATTRIBUTES.subn(r"\1", html)

    without = await look_at(tab, NEW.followed(MAIL).html or "", url)
    seen = await look_at(tab, stripped, url)

    assert count == 1
    assert (seen.text, seen.picture, seen.dark_picture) == (without.text, without.picture, without.dark_picture)
    assert url in seen.reached_by_tab  # what the attributes are there for
