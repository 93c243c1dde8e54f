"""Icons of the add-in, as PNG files drawn by Chromium from the console's mark."""

from __future__ import annotations

import shutil
from pathlib import Path

from functions.console.static_files import FOLDER
from functions.outlook.files import ICONS

SIZES = (16, 32, 64, 80, 128, 192)
"""Pixels: those that manifests and ribbons name, and the one of the unified package."""

_OUTLINE = 32
_WHITE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M3 16c4-6.500 8.300-9 13-9s9 2.500 13 9'
    'c-4 6.500-8.300 9-13 9s-9-2.500-13-9z" fill="none" stroke="#fff" stroke-width="2.500" stroke-linejoin="round"/>'
    '<circle cx="16" cy="16" r="4.500" fill="#fff"/></svg>'
)
"""The mark as an outline: Microsoft's packages want one that is white alone."""


def write_icons() -> None:
    """Draw every icon anew."""
    from playwright.sync_api import sync_playwright

    mark = (FOLDER / "mark.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        for size in SIZES:
            _draw(page, mark, size, ICONS / f"{size}.png")
        _draw(page, _WHITE, _OUTLINE, ICONS / "outline.png")
        browser.close()


def _draw(page: object, svg: str, size: int, file: Path) -> None:
    page.set_viewport_size({"width": size, "height": size})  # type: ignore[attr-defined]
    style = f"<style>*{{margin:0}} svg{{display:block;width:{size}px;height:{size}px}}</style>"
    page.set_content(style + svg)  # type: ignore[attr-defined]
    page.screenshot(path=file, omit_background=True)  # type: ignore[attr-defined]
