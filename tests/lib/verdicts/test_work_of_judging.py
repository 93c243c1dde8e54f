"""Judging a mail takes work that grows with the number of its hits alone, whatever a stranger makes of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from types import FrameType
from typing import Any

import pytest

from lib.clock import moment
from lib.tracking.facts import Fact, answer_fact
from lib.verdicts import judge
from tests.lib.verdicts.test_rules import CATALOGUES, CHROME, HOUR, IPHONE, MINUTE, SENDING, SENT, click, fact

CLOUD: dict[str, Any] = {"network": "3.5.140.0/24", "owner": CATALOGUES.networks.owner("3.5.140.1")}
LINUX = CHROME.replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64")
OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)"
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


def looks_and_later_clicks(number: int) -> list[Fact]:
    """Opens in mail programs at many places, then clicks from as many others, within half an hour."""
    opens = [fact(5 * HOUR + each, agent=OUTLOOK, network=f"81.2.{each % 256}.0/24") for each in range(number)]
    clicks = [click(5 * HOUR + MINUTE + each, network=f"81.3.{each % 256}.0/24") for each in range(number)]
    return [*opens, *clicks]


def answers(number: int) -> list[Fact]:
    """A mail loop's answers, and then looks from as many places."""
    sent = moment(SENT)
    replies = [
        answer_fact("reply", "0" * 32, sent + timedelta(seconds=each), f"{each:032x}", 0) for each in range(number)
    ]
    return [*replies, *(fact(2 * HOUR + each, network=f"81.{each // 256}.{each % 256}.0/24") for each in range(number))]


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
    "looks and later clicks": looks_and_later_clicks,
    "answers": answers,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_hits_take_about_four_times_the_work(shape: str) -> None:
    hits = SHAPES[shape]

    assert calls_of_judging(hits(4 * FEW)) < 6 * calls_of_judging(hits(FEW))
