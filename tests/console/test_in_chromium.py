"""The console as Chromium shows it: in both schemes, narrow and wide, by mouse and keyboard, without scripts, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lib.clock import rfc3339
from tests.console.site import AXE, WIDTHS, browsing, new_tab, serving_heed, sign_in
from tests.console.test_not_lost import take_down
from tests.console.test_pages import paths
from tests.console.world import World
from tests.support.cards import cards, pass_time
from tests.support.heed import BASE_URL

CONSOLE = f"{BASE_URL}/console/"


@pytest.fixture
async def browser(world: World, tmp_path: Path) -> AsyncIterator[Any]:
    async with serving_heed(world.heed, tmp_path) as port, browsing(port) as found:
        yield found


async def tab(browser: Any, complaints: list[str], width: int = WIDTHS["wide"], **options: Any) -> Any:
    """Open a tab; what it complains of, such as what its policy refuses, is added to `complaints`."""
    page = await new_tab(browser, width, **options)
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(f"{error}"))
    return page


async def test_no_page_has_a_fault_that_axe_finds_or_scrolls_sideways(world: World, browser: Any) -> None:
    if not AXE.exists():
        pytest.skip("there is no axe-core on this machine: npm ci")
    complaints: list[str] = []
    page = await tab(browser, complaints)
    await page.goto(f"{CONSOLE}sign-in")
    found = {"sign-in": await faults(page)}
    await sign_in(page, world.heed)
    for path in paths(world):
        await page.goto(CONSOLE + path)
        await page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
        found[path] = await faults(page)

    assert {path: each for path, each in found.items() if each} == {}
    # The mail's own image is what the policy of its frame refuses.
    assert [each for each in complaints if "elsewhere.example/pixel.png" not in each] == []


async def faults(page: Any) -> list[str]:
    """What axe finds in the page, narrow and wide, in both schemes; and whether it scrolls sideways."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = []
    for size, width in WIDTHS.items():
        await page.set_viewport_size({"width": width, "height": 800})
        if await page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{size}: it scrolls sideways")
        for scheme, options in _SCHEMES.items():
            await page.emulate_media(color_scheme=scheme)
            violations = await page.evaluate(f"axe.run(document, {options}).then(found => found.violations)")
            found += [f"{size}, {scheme}: {each['id']}: {each['nodes'][0]['html'][:200]}" for each in violations]
    return found


_SCHEMES = {"dark": "{iframes: false, runOnly: ['color-contrast']}", "light": "{iframes: false}"}
"""What axe looks for in each scheme: what a page is does not depend on it, but its colors do."""


async def test_looking_at_a_mail_is_no_open(world: World, browser: Any) -> None:
    loaded, refused = list[str](), list[tuple[str, str]]()
    page = await tab(browser, [])
    page.on("response", lambda response: loaded.append(response.url))
    page.on("requestfailed", lambda request: refused.append((request.url, request.failure)))
    await sign_in(page, world.heed)
    before = (await world.heed.get(f"/messages/{world.offer}"))["kpis"]

    await page.goto(f"{CONSOLE}messages/{world.offer}")
    await page.get_by_text("Show the mail").click()
    frame = page.frame_locator("iframe")
    await frame.get_by_text("Dear Ada,").wait_for()

    assert not [url for url in loaded if not url.startswith(CONSOLE)]
    assert refused == [("https://elsewhere.example/pixel.png", "csp")]
    await world.heed.work()
    assert (await world.heed.get(f"/messages/{world.offer}"))["kpis"] == before


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_card_is_dismissed_and_brought_back(world: World, browser: Any, has_scripts: bool) -> None:
    page = await tab(browser, [], java_script_enabled=has_scripts)
    await sign_in(page, world.heed)
    count = len(await cards(world.heed))

    await page.locator(".card").first.get_by_role("button", name="Dismiss").click()
    await page.get_by_text("Dismissed.").wait_for()
    assert len(await cards(world.heed)) == count - 1
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_text("Dismissed.").wait_for(state="detached")

    assert len(await cards(world.heed)) == count


async def test_the_word_of_a_user_is_given_by_clicking(world: World, browser: Any) -> None:
    page = await tab(browser, [])
    await sign_in(page, world.heed)
    await page.goto(f"{CONSOLE}messages/{world.offer}?show=people")

    row = page.locator(".events > li").nth(1)
    await row.get_by_text("Why").click()
    await row.get_by_text("This is wrong").click()
    await row.get_by_role("button", name="me or a colleague").click()

    await page.get_by_role("link", name="Your side").click()
    await page.get_by_text("You said: you or a colleague.").wait_for()


async def test_more_is_loaded_into_the_same_page(world: World, browser: Any) -> None:
    for number in range(60):
        await world.heed.draft(subject=f"Draft {number:02}")
    page = await tab(browser, [])
    await sign_in(page, world.heed)
    await page.goto(f"{CONSOLE}messages?view=all&status=draft")
    assert await page.locator("#list tbody tr").count() == 50

    await page.get_by_role("link", name="Show more").click()
    await page.get_by_role("link", name="Show more").wait_for(state="detached")

    assert await page.locator("#list tbody tr").count() == 61
    assert page.url == f"{CONSOLE}messages?view=all&status=draft"


async def test_a_page_refreshes_by_itself(world: World, browser: Any) -> None:
    page = await tab(browser, [])
    await page.clock.install()
    await sign_in(page, world.heed)
    card = (await cards(world.heed))[0]
    shown = page.locator(f"#card-{card['id']}")
    await shown.wait_for()
    await world.heed.api("POST", f"/cards/{card['id']}/dismiss", x_heed_user="rep1")

    await page.clock.run_for(31_000)

    await shown.wait_for(state="detached")


async def test_a_mail_that_leaves_is_told_with_its_icons_and_buttons(world: World, browser: Any) -> None:
    heed = world.heed
    soon = rfc3339(heed.clock.now() + timedelta(minutes=2))
    message = await heed.draft(to=[{"email": "ada@example.com"}], html="<p>Hello</p>", deliver_at=soon)
    await heed.post(f"/messages/{message}/send")
    page = await tab(browser, [])
    await page.clock.install()
    await sign_in(page, heed)
    await page.goto(f"{CONSOLE}messages/{message}")
    assert await page.get_by_role("link", name="Change or cancel").count() == 1

    await pass_time(heed, minutes=3)
    await page.clock.run_for(31_000)

    await page.get_by_role("link", name="Change or cancel").wait_for(state="detached")
    assert await page.get_by_role("button", name="Write again").count() == 1
    icons = await page.evaluate("[...document.querySelectorAll('main use')].map(each => each.getAttribute('href'))")
    assert "#i-reply" in icons
    assert [each for each in icons if not await page.locator(f".sprite {each}").count()] == []


async def test_the_list_of_messages_fits_a_usual_window(world: World, browser: Any) -> None:
    world.heed.clock.move(days=20)  # the longest words for days
    page = await tab(browser, [], width=1200)
    await sign_in(page, world.heed)
    await page.goto(f"{CONSOLE}messages")

    hidden = await page.evaluate(
        "(list => list.scrollWidth - list.clientWidth)(document.querySelector('.panel.scroll'))"
    )

    assert hidden == 0


async def test_shapes_and_the_chosen_tab_are_seen_in_colors_of_the_readers_choice(world: World, browser: Any) -> None:
    page = await tab(browser, [], forced_colors="active")
    await sign_in(page, world.heed)
    await page.goto(f"{CONSOLE}messages/{world.offer}")

    canvas = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    for shape in (".legend .shape.human", ".legend .shape.uncertain", ".tag.human .shape"):
        color = "each => getComputedStyle(each).backgroundColor"
        assert await page.locator(shape).first.evaluate(color) not in (canvas, "rgba(0, 0, 0, 0)"), shape
    line = "each => getComputedStyle(each).borderBottomColor"
    assert await page.locator(".tabs a[aria-current]").first.evaluate(line) != canvas
    assert await page.locator(".tabs a:not([aria-current])").first.evaluate(line) == canvas


async def test_what_is_said_once_leaves_the_filters_in_the_address(world: World, browser: Any) -> None:
    page = await tab(browser, [])
    await sign_in(page, world.heed)

    await page.goto(f"{CONSOLE}failures?whose=all&did=sent")
    await page.get_by_text("Noted as sent.").wait_for()

    assert page.url == f"{CONSOLE}failures?whose=all"


async def test_what_was_typed_is_sent_once_more_when_storage_is_back(
    world: World, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await tab(browser, [])
    await sign_in(page, world.heed)
    await page.goto(f"{CONSOLE}write")
    await page.get_by_label("To", exact=True).fill("bob@fabrikam.example")
    await page.get_by_label("Subject").fill("Words that took an hour")
    with monkeypatch.context() as outage:
        take_down(outage, world.heed, "read_row", "write_rows")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_role("heading", name="Storage does not answer just now").wait_for()
        found = await faults(page) if AXE.exists() else []

    await page.get_by_role("button", name="Send it once more").click()
    await page.get_by_text("Saved.").wait_for()
    assert await page.get_by_label("Subject").input_value() == "Words that took an hour"
    assert found == []


async def test_the_menu_opens_by_keyboard_on_a_narrow_screen_without_scripts(world: World, browser: Any) -> None:
    page = await tab(browser, [], WIDTHS["narrow"], java_script_enabled=False)
    await sign_in(page, world.heed)
    messages = page.get_by_role("navigation", name="Main").get_by_role("link", name="Messages")
    assert not await messages.is_visible()

    await page.keyboard.press("Tab")
    assert await page.locator(":focus").inner_text() == "Skip to the content"
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await messages.press("Enter")

    await page.get_by_role("heading", name="Messages").wait_for()


async def test_signing_out_leads_to_the_door(world: World, browser: Any) -> None:
    page = await tab(browser, [])
    await sign_in(page, world.heed)

    await page.get_by_role("button", name="Sign out").click()

    await page.get_by_text("You have signed out.").wait_for()
    await page.goto(f"{CONSOLE}messages")
    await page.get_by_role("heading", name="Sign in").wait_for()
