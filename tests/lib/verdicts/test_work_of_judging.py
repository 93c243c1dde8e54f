"""Judging a mail takes work that grows with the number of its hits alone, whatever a stranger makes of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from lib.tracking.facts import Fact
from lib.verdicts import judge
from tests.lib.verdicts.test_rules import CATALOGUES, CHROME, HOUR, IPHONE, SENDING, click, fact

CLOUD: dict[str, Any] = {"network": "3.5.140.0/24", "owner": CATALOGUES.networks.owner("3.5.140.1")}
LINUX = CHROME.replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64")
FEW = 150

Shape = Callable[[int], Sequence[Fact]]


def links_twice(number: int) -> list[Fact]:
    """One link, from home and from a cloud in turns, and then as many opens from the cloud."""
    clicks = [click(HOUR + 50 * each, **(dict(CLOUD, agent=LINUX) if each % 2 else {})) for each in range(number)]
    return [*clicks, *(fact(3 * HOUR + each, agent=LINUX, **CLOUD) for each in range(number))]


def one_link(number: int) -> list[Fact]:
    return [click(HOUR + each) for each in range(number)]


def hidden_links(number: int) -> list[Fact]:
    return [click(HOUR + each, item=3) for each in range(number)]


def links_in_turns(number: int) -> list[Fact]:
    return [click(HOUR + each, item=each % 4) for each in range(number)]


def opens_and_clicks(number: int) -> list[Fact]:
    return [made(10 * each, agent=IPHONE) for each in range(number) for made in (fact, click)]


def many_places(number: int) -> list[Fact]:
    return [
        made(HOUR + each, network=f"81.{each // 256}.{each % 256}.0/24")
        for each in range(number)
        for made in (fact, click)
    ]


def calls_of_judging(facts: Sequence[Fact]) -> int:
    """Return the number of calls and steps of generators in Python."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sending = replace(SENDING, honeypots=frozenset({3}))
    judge(facts, sending, CATALOGUES)  # what is kept of agents and networks is kept from now on
    sys.setprofile(count)
    try:
        judge(facts, sending, CATALOGUES)
    finally:
        sys.setprofile(None)
    return calls


SHAPES: dict[str, Shape] = {
    "a link twice": links_twice,
    "one link": one_link,
    "hidden links": hidden_links,
    "links in turns": links_in_turns,
    "opens and clicks": opens_and_clicks,
    "many places": many_places,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_hits_take_about_four_times_the_work(shape: str) -> None:
    hits = SHAPES[shape]

    assert calls_of_judging(hits(4 * FEW)) < 6 * calls_of_judging(hits(FEW))
