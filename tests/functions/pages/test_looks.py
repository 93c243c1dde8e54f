"""The recipient's page looks like the console, and loads nothing."""

from __future__ import annotations

import re
from pathlib import Path

import functions

_FOLDER = Path(functions.__file__).parent
_COLOR = re.compile(r"#[0-9a-f]{3,8}\b")


def test_every_color_of_the_recipients_page_is_one_of_the_consoles() -> None:
    recipient = (_FOLDER / "pages/recipient/style.css").read_text(encoding="utf-8")
    console = (_FOLDER / "console/static/console.css").read_text(encoding="utf-8")

    assert len(set(_COLOR.findall(recipient))) > 20
    assert set(_COLOR.findall(recipient)) - set(_COLOR.findall(console)) == set()


def test_its_looks_are_small_and_load_nothing() -> None:
    style = (_FOLDER / "pages/recipient/style.css").read_bytes()

    assert len(style) < 5_000
    assert b"url(" not in style
    assert b"@import" not in style
