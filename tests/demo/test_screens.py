"""The screens of the console with the demo's data: all of them are there, small, and ask storage seldom."""

from __future__ import annotations

import re

from demo.making import Made
from functions.console.operator.screens import SCREENS as OPERATOR_SCREENS
from functions.console.screens import SCREENS
from lib.clock import SetClock
from tests.demo.conftest import NOW, Demo
from tests.support.heed import ADMIN_KEY, Heed
from tests.support.links import forms_that_show_addresses, naming_addresses, places_in
from tests.support.onlooker import Onlooker
from tests.support.rounds import LARGEST, MOST_REQUESTS, MOST_ROUNDS, Counted, counting_rounds

PARTS = {"messages/x/body", "write/x/preview/body", "templates/x/preview"}
"""What is shown in the frame of another screen."""

PASSING = {"settings", "people/job", "people/job-result"}
"""What leads on to a screen, or stands there only for a while."""

DEARER_AT_FIRST = ("settings-readiness", "settings-switches", "failures")
"""Screens that ask more once a minute, when a process has just begun, or once for all."""


def looking(made: Made, counted: Counted) -> Onlooker:
    """Return someone who looks at the demo over storage that is counted."""
    return Onlooker(Heed(clock=SetClock(NOW), storage=counting_rounds(made.stage.storage, counted)).request)


async def test_the_list_of_screens_lacks_none(demo: Demo) -> None:
    onlooker = looking(demo.made, Counted())
    await onlooker.sign_in(ADMIN_KEY)
    paths = [each.path.partition("?")[0] for each in await onlooker.find_screens()]

    for screen in SCREENS:
        example = re.sub(r"\(\?P<\w+>\[\^/\]\+\)", "x", screen.pattern.pattern).replace("\\", "")
        if screen.method == "GET" and example not in PARTS | PASSING:
            assert any(screen.pattern.fullmatch(path) for path in paths), screen.pattern.pattern
    for method, page in OPERATOR_SCREENS:
        assert method == "POST" or f"operator/{page}".rstrip("/") in paths


async def test_each_screen_of_the_demo_is_small_and_asks_storage_seldom(demo: Demo) -> None:
    counted = Counted()
    onlooker = looking(demo.made, counted)
    await onlooker.sign_in(ADMIN_KEY)
    screens = await onlooker.find_screens()
    for screen in screens:
        if screen.name in DEARER_AT_FIRST:
            await onlooker.look(screen)
    too_much = []
    for screen in screens:
        counted.clear()
        answer = await onlooker.look(screen)
        assert answer.status == 200, screen.path
        if counted.rounds > MOST_ROUNDS or counted.requests > MOST_REQUESTS or len(answer.body) >= LARGEST:
            too_much.append((screen.path, counted.rounds, counted.requests, len(answer.body)))
    assert too_much == []


async def test_no_screen_of_the_demo_leads_to_a_page_whose_address_names_a_persons(demo: Demo) -> None:
    onlooker = looking(demo.made, Counted())
    await onlooker.sign_in(ADMIN_KEY)

    for screen in await onlooker.find_screens():
        page = (await onlooker.look(screen)).body.decode()
        assert naming_addresses([screen.path, *places_in(page)]) == [], screen.path
        assert forms_that_show_addresses(page) == [], screen.path
