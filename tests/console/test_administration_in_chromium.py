"""Settings and the operator's pages as Chromium shows them: in both schemes, narrow and wide, and by clicking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.console.administering import OPERATOR_PATHS, SETTINGS_PATHS, fill
from tests.console.site import AXE, browsing, serving_heed
from tests.console.test_in_chromium import CONSOLE, faults, tab
from tests.console.world import World
from tests.support.heed import ADMIN_KEY


@pytest.fixture
async def browser(world: World, tmp_path: Path) -> AsyncIterator[Any]:
    async with serving_heed(world.heed, tmp_path) as port, browsing(port) as found:
        yield found


async def enter(page: Any, key: str) -> None:
    """Sign in with a key of an administrator."""
    await page.goto(f"{CONSOLE}sign-in")
    await page.get_by_label("Key of your organization").fill(key)
    await page.get_by_label("You", exact=True).fill("rep1")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Organization", exact=True).wait_for()


async def enter_as_operator(page: Any) -> None:
    """Sign in with the key of the deployment."""
    await page.goto(f"{CONSOLE}operator")
    await page.get_by_label("The administrator’s key").fill(ADMIN_KEY)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Queues", exact=True).wait_for()


async def test_no_page_has_a_fault_that_axe_finds_or_scrolls_sideways(world: World, browser: Any) -> None:
    if not AXE.exists():
        pytest.skip("there is no axe-core on this machine: npm ci")
    complaints: list[str] = []
    page = await tab(browser, complaints)
    found: dict[str, list[str]] = {}
    await page.goto(f"{CONSOLE}operator")
    found["door"] = await faults(page)
    await enter(page, await fill(world.heed))
    await enter_as_operator(page)
    for path in (*SETTINGS_PATHS, *OPERATOR_PATHS):
        await page.goto(CONSOLE + path)
        found[path] = await faults(page)

    assert {path: each for path, each in found.items() if each} == {}
    assert complaints == []


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_dangerous_setting_is_changed_by_clicking_twice(world: World, browser: Any, has_scripts: bool) -> None:
    page = await tab(browser, [], java_script_enabled=has_scripts)
    await enter(page, await fill(world.heed))

    await page.get_by_role("link", name="Privacy").click()
    await page.get_by_label("Events of recipients").fill("90")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("what is older than 90 days is deleted").wait_for()
    await page.get_by_role("button", name="Save it").click()
    await page.get_by_text("Saved.").wait_for()

    settings = (await world.heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)).json["settings"]
    assert settings["retention_days"] == 90


async def test_an_operator_judges_again_by_clicking(world: World, browser: Any) -> None:
    page = await tab(browser, [])
    await enter_as_operator(page)
    await page.get_by_role("link", name="Check again").click()
    await page.get_by_role("button", name="Show what would change").click()
    await page.get_by_text("Nothing is written yet: 0 verdicts").wait_for()
