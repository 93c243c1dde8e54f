"""People, options and tracked mail as Chromium shows and sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.console.site import browsing, serving_heed, sign_in
from tests.console.test_in_chromium import CONSOLE, tab
from tests.console.world import World
from tests.support.inbound import raw_mail


@pytest.fixture
async def browser(world: World, tmp_path: Path) -> AsyncIterator[Any]:
    async with serving_heed(world.heed, tmp_path) as port, browsing(port) as found:
        yield found


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_no_is_noted_by_clicking(world: World, browser: Any, has_scripts: bool) -> None:
    complaints: list[str] = []
    page = await tab(browser, complaints, java_script_enabled=has_scripts)
    await sign_in(page, world.heed)
    await page.goto(f"{CONSOLE}people")
    await page.get_by_role("link", name="Ada Lovett").click()

    await page.get_by_label("No: nothing more is recorded").check()
    await page.get_by_label("Where or how they said it").fill("on the phone")
    await page.get_by_role("button", name="Note it").click()

    await page.get_by_text("does not want to be followed").wait_for()
    assert (await world.heed.get("/consents/ada@example.com"))["history"][0]["source"] == "on the phone"
    assert complaints == []


async def test_a_mail_is_uploaded_and_tracked(world: World, browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "answer.eml"
    file.write_bytes(raw_mail("Let us meet on Monday.", number=7, subject="A meeting"))
    page = await tab(browser, [])
    await sign_in(page, world.heed)
    await page.goto(f"{CONSOLE}people/contact/ada")
    await page.get_by_role("link", name="Track a mail").last.click()

    await page.get_by_label("File of the mail").set_input_files(file)
    await page.get_by_role("button", name="Track it").click()

    await page.get_by_role("heading", name="A meeting").wait_for()
    [found] = (await world.heed.get("/messages?view=received&q=meeting"))["items"]
    assert (found["regarding"]["name"], found["excerpt"]) == ("Ada Lovett", "Let us meet on Monday.")


async def test_quiet_hours_are_chosen_by_clicking(world: World, browser: Any) -> None:
    page = await tab(browser, [])
    await sign_in(page, world.heed)
    await page.goto(f"{CONSOLE}options")

    await page.get_by_label("Quiet hours").check()
    await page.get_by_label("From", exact=True).fill("18:30")
    await page.get_by_label("a mail was opened").uncheck()
    await page.get_by_role("button", name="Save").last.click()

    await page.get_by_text("Alerts follow it from now on.").wait_for()
    found = await world.heed.get("/users/rep1/alerts")
    assert found["quiet_hours"] == {"start": "18:30", "end": "07:00"}
    assert found["muted_kinds"] == ["email_opened"]
