"""A mail from the first word to its sending, by clicking, with scripts and without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.console.site import AXE, browsing, serving_heed, sign_in
from tests.console.test_in_chromium import CONSOLE, faults, tab
from tests.console.world import World


@pytest.fixture
async def browser(world: World, tmp_path: Path) -> AsyncIterator[Any]:
    async with serving_heed(world.heed, tmp_path) as port, browsing(port) as found:
        yield found


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_mail_is_composed_with_template_file_reminder_and_delay(
    world: World, browser: Any, has_scripts: bool
) -> None:
    complaints: list[str] = []
    page = await tab(browser, complaints, java_script_enabled=has_scripts)
    await sign_in(page, world.heed)
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Write").click()

    await page.get_by_label("To", exact=True).fill("Bob Nuri <bob@fabrikam.example>")
    await page.get_by_role("button", name="Choose a template").click()
    await page.locator(".template", has_text="First contact").get_by_role("button", name="Use it").click()
    await page.get_by_text("Read it over before you send it.").wait_for()
    assert await page.get_by_label("Subject").input_value() == "Hello, Bob"
    await page.get_by_label("Mail", exact=True).fill("Dear Bob, see https://shop.example/offer")
    prices = {"name": "Prices.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 prices"}
    await page.get_by_label("Add files").set_input_files(prices)
    await page.get_by_label("Follow who opens them").check()
    await page.get_by_label("Remind me").fill("2026-05-20T09:00")
    await page.get_by_role("button", name="Preview").click()
    await page.frame_locator("iframe").get_by_text("Dear Bob, see").wait_for()
    await page.get_by_role("link", name="Check before sending").click()
    await page.get_by_text("it is stored with Heed, and opens for all who have its link").wait_for()
    await page.get_by_label("Day and time").fill("2026-05-12T09:30")
    await page.locator(".card", has_text="At a time of yours").get_by_role("button", name="Send it then").click()

    await page.get_by_text("Scheduled to send").first.wait_for()
    message = page.url.rpartition("/")[2]
    found = await world.heed.get(f"/messages/{message}")
    assert (found["status"], found["deliver_at"]) == ("scheduled", "2026-05-12T07:30:00.000Z")
    assert [(each["filename"], each["followed"]) for each in found["attachments"]] == [("Prices.pdf", True)]
    assert found["reminder"]["at"] == "2026-05-20T07:00:00.000Z"
    assert (found["template"], found["text"]) == ("first", "Dear Bob, see https://shop.example/offer")
    await page.get_by_role("link", name="Change or cancel").click()
    await page.get_by_role("button", name="Send now").click()
    await page.get_by_role("heading", name="Hello, Bob").wait_for()
    await world.heed.work()
    assert (await world.heed.get(f"/messages/{message}"))["status"] == "sent"
    assert complaints == []


async def test_enter_in_a_field_saves_and_sends_nothing(world: World, browser: Any) -> None:
    page = await tab(browser, [])
    await sign_in(page, world.heed)
    await page.goto(f"{CONSOLE}write/{world.draft}")

    await page.get_by_label("Subject").fill("By keyboard")
    await page.keyboard.press("Enter")

    await page.get_by_text("Saved.").wait_for()
    found = await world.heed.get(f"/messages/{world.draft}")
    assert (found["status"], found["subject"]) == ("draft", "By keyboard")


async def test_forms_that_come_back_have_no_fault_that_axe_finds(world: World, browser: Any) -> None:
    if not AXE.exists():
        pytest.skip("there is no axe-core on this machine: npm ci")
    for name in ("l1", "l2"):
        await world.heed.put(f"/records/lead/{name}", {"name": name, "emails": ["new@fabrikam.example"]})
    page = await tab(browser, [])
    await sign_in(page, world.heed)

    await page.goto(f"{CONSOLE}write/{world.draft}")
    await page.get_by_label("To", exact=True).fill("new@fabrikam.example, nobody")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.get_by_role("link", name="To", exact=True).wait_for()
    found = {"wrong": await faults(page)}
    await page.get_by_label("To", exact=True).fill("new@fabrikam.example")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.get_by_role("button", name="lead l2").wait_for()
    found["ambiguous"] = await faults(page)
    await world.heed.api("PATCH", f"/messages/{world.draft}", {"subject": "Of a colleague"})
    await page.get_by_label("Subject").fill("Of Rita")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.get_by_role("heading", name="What differs").wait_for()
    found["conflict"] = await faults(page)

    assert {name: each for name, each in found.items() if each} == {}
