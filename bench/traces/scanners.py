"""Machines that look at mail: where from, as whom, how fast, and which links.

What is known: scanners fetch every link, mostly in the document's order (customerminds), within seconds (warmbly);
Barracuda only the first or all; some also load the images; honeypots catch most of them (mautic#9798); one address may
come as two browsers (warmbly#410); fetches come in pairs from different clouds (onetimesecret#359). Shares and gaps are
assumed where a comment does not say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from bench.traces import agents
from bench.traces.addresses import address_in, elsewhere_in, near
from bench.traces.draft import BARRACUDA, CISCO, MICROSOFT, MIMECAST, PROOFPOINT, Draft, Source
from bench.traces.people import headers
from bench.traces.timing import DAY, HOUR, MINUTE, SECOND, lognormal, until_scan

Pace = Literal["burst", "parallel", "slow"]
Agent = Callable[[Random], str | None]

_OLD_CHROME = re.compile(r"Chrome/(?:[0-9]{2}|10[0-8])\.")
_LANGUAGES = ("en-US,en;q=0.9", "en-US,en;q=0.9", "en-US,en;q=0.9", "en-US", "en-GB,en;q=0.9")


@dataclass(slots=True)
class Scanner:
    """A machine of one run: `rotates` is the chance that the next request has another address of the place, `masks`
    that it has another agent. `current` is who asked last.
    """

    place: str
    agent: Agent
    random: Random
    rotates: float = 0.0
    masks: float = 0.0
    current: Source = field(init=False)

    def __post_init__(self) -> None:
        self.current = Source(address_in(self.random, self.place), self._headers())

    def source(self) -> Source:
        """The next client."""
        if self.random.random() < self.rotates:
            beside = self.random.random() < 0.5
            last = self.current.address
            address = near(self.random, last) if beside else elsewhere_in(self.random, self.place, last)
            self.current = Source(address, self.current.headers)
        if self.random.random() < self.masks:
            self.current = Source(self.current.address, self._headers())
        return self.current

    def _headers(self) -> dict[str, str]:
        """Automated browsers of today send a language like any browser; older ones did not: headless Chrome left it
        out (puppeteer-extra#51), Chrome 109 does not (ulixee/unblocked#57). Their shares are assumed."""
        agent = self.agent(self.random)
        if agent is None or not agent.startswith("Mozilla/5.0") or "compatible" in agent:
            return headers(agent)
        is_old = _OLD_CHROME.search(agent) is not None
        sends = self.random.random() < (0.3 if is_old else 0.65)
        return headers(agent, self.random.choice(_LANGUAGES) if sends else None)


def pace(random: Random) -> Pace:
    return random.choices(("burst", "parallel", "slow"), (62, 28, 10))[0]


def scan(
    draft: Draft,
    scanner: Scanner,
    recipient: int,
    at: float,
    links: Sequence[int],
    *,
    opens: bool,
    speed: Pace = "burst",
    heads: bool = False,
    scenario: str | None = None,
) -> None:
    """The mail's image and these links, at this speed. `heads`: it asks with HEAD before or instead of GET."""
    random = draft.random
    elsewhere = random.choice((0, 1, 2, 5, 12)) if draft.in_campaign else 0
    now = at
    if opens:
        draft.request(now, scanner.source(), "machine", recipient, scenario=scenario, elsewhere=elsewhere)
    for item in links:
        now += _gap(random, speed)
        when = at + random.random() * 1500 if speed == "parallel" else now
        methods = ("HEAD",) if heads and random.random() < 0.5 else ("HEAD", "GET") if heads else ("GET",)
        for number, method in enumerate(methods):
            draft.request(
                when + 150 * number, scanner.source(), "machine", recipient, "click", item,
                method=method, scenario=scenario, elsewhere=elsewhere,
            )  # fmt: skip


def _gap(random: Random, speed: Pace) -> float:
    if speed == "slow":  # spread out so as not to look like a scanner, or waiting for a sandbox to be free
        return lognormal(random, 9 * SECOND, 0.8, 2 * SECOND, 3 * MINUTE)
    return lognormal(random, 450, 1.0, 30, 6 * SECOND)


def all_links(draft: Draft) -> list[int]:
    """Put links in a scanner's order. Every seventh scanner sees what is hidden, and leaves honeypots alone."""
    links = list(range(draft.links)) if draft.random.random() < 0.86 else draft.visible_links
    if draft.random.random() < 0.15:
        draft.random.shuffle(links)
    return links


def some_links(draft: Draft) -> list[int]:
    """The first few, or a random choice: to save time."""
    links = all_links(draft)
    count = draft.random.randint(1, max(1, len(links) - 1))
    return links[:count] if draft.random.random() < 0.6 else sorted(draft.random.sample(links, min(count, len(links))))


def gateway_scan(draft: Draft, recipient: int, gateway: str | None, *, at: float | None = None) -> None:
    """Scan as the product does when the mail arrives, or at `at`. None stands for an unknown scanner."""
    when = draft.delivered[recipient] + until_scan(draft.random) if at is None else at
    {
        MICROSOFT: _protection,
        BARRACUDA: _barracuda,
        PROOFPOINT: _proofpoint,
        MIMECAST: _mimecast,
        CISCO: _cisco,
    }.get(gateway or "", cloud_scan)(draft, recipient, when)


def _protection(draft: Draft, recipient: int, at: float) -> None:
    """Exchange Online Protection: within a minute or so, images and links, from its published ranges."""
    random = draft.random
    scanner = Scanner("microsoft-protection", agents.microsoft_scanner, random, rotates=0.4, masks=0.25)
    links = all_links(draft) if random.random() < 0.75 else some_links(draft) if draft.links else []
    scan(
        draft, scanner, recipient, at, links,
        opens=random.random() < 0.7, speed=pace(random), heads=random.random() < 0.08, scenario="eop-delivery-scan",
    )  # fmt: skip


def sandbox_scan(draft: Draft, recipient: int, at: float) -> None:
    """Safe Links before delivery, from Azure: one address opens and clicks as two browsers (warmbly#410)."""
    random = draft.random
    scanner = Scanner("azure", agents.microsoft_scanner, random, rotates=0.25, masks=0.6)
    links = all_links(draft) if random.random() < 0.6 else some_links(draft) if draft.links else []
    scan(
        draft, scanner, recipient, at, links,
        opens=random.random() < 0.75, speed=pace(random), scenario="safe-links-sandbox",
    )  # fmt: skip


def _barracuda(draft: Draft, recipient: int, at: float) -> None:
    """The first link only, or all of them; rarely the image."""
    random = draft.random
    scanner = Scanner("barracuda", _barracuda_agent, random, rotates=0.2)
    links = all_links(draft)
    first = random.random() < 0.5
    scan(
        draft, scanner, recipient, at, links[:1] if first else links,
        opens=random.random() < (0.3 if links else 1.0), speed=pace(random), heads=random.random() < 0.1,
        scenario="barracuda-first-link" if first else "barracuda-all-links",
    )  # fmt: skip


def _barracuda_agent(random: Random) -> str:
    return "BarracudaCentral" if random.random() < 0.2 else agents.imitating_scanner(random)


def _proofpoint(draft: Draft, recipient: int, at: float) -> None:
    """Its own network mostly; its sandboxes also run in clouds."""
    _vendor(draft, recipient, at, "proofpoint", 0.25)


def _mimecast(draft: Draft, recipient: int, at: float) -> None:
    _vendor(draft, recipient, at, "mimecast", 0.15)


def _cisco(draft: Draft, recipient: int, at: float) -> None:
    _vendor(draft, recipient, at, "cisco", 0.3)


def _vendor(draft: Draft, recipient: int, at: float, place: str, clouds: float) -> None:
    random = draft.random
    where = "cloud" if random.random() < clouds else place
    scanner = Scanner(where, _vendor_agent, random, rotates=0.3, masks=0.1)
    links = all_links(draft) if random.random() < 0.8 else some_links(draft) if draft.links else []
    scan(
        draft, scanner, recipient, at, links,
        opens=random.random() < 0.6, speed=pace(random), heads=random.random() < 0.15, scenario=f"{place}-scan",
    )  # fmt: skip
    if random.random() < 0.06:  # a second look when the sender's reputation changes (suped.com)
        later = at + lognormal(random, 5 * HOUR, 1.0, 20 * MINUTE, 3 * DAY)
        scan(draft, scanner, recipient, later, links, opens=False, speed="burst", scenario="late-rescan")


def _vendor_agent(random: Random) -> str | None:
    return None if random.random() < 0.08 else agents.imitating_scanner(random)


def cloud_scan(draft: Draft, recipient: int, at: float) -> None:
    """A product that no list knows, in some cloud, as a current browser."""
    random = draft.random
    scanner = Scanner("cloud", agents.imitating_scanner, random, rotates=0.3, masks=0.15)
    links = all_links(draft) if random.random() < 0.8 else some_links(draft) if draft.links else []
    scan(
        draft, scanner, recipient, at, links,
        opens=random.random() < 0.65, speed=pace(random), heads=random.random() < 0.08,
        scenario="unknown-cloud-scanner",
    )  # fmt: skip
    if random.random() < 0.2:  # the second of a pair, from elsewhere (onetimesecret#359)
        other = Scanner("cloud", agents.imitating_scanner, random)
        scan(
            draft, other, recipient, at + lognormal(random, 3 * SECOND, 0.8), links,
            opens=False, speed="burst", scenario="unknown-cloud-scanner",
        )  # fmt: skip


def check_at_click(draft: Draft, recipient: int, at: int, item: int) -> None:
    """Safe Links when a person clicks: Microsoft fetches the link 0.2 to 4 s before the browser is let through; now and
    then seconds after it (resend-node#901: 12 s). In a tenth of cases twice."""
    random = draft.random
    place = "microsoft-protection" if random.random() < 0.55 else "azure"
    scanner = Scanner(place, agents.microsoft_scanner, random)
    before = random.random() < 0.85
    when = at - lognormal(random, 1100, 0.6, 200, 4 * SECOND) if before else at + lognormal(random, 8 * SECOND, 0.6)
    draft.request(when, scanner.source(), "machine", recipient, "click", item, scenario="safe-links-at-click")
    if random.random() < 0.1:
        draft.request(when + 700, scanner.source(), "machine", recipient, "click", item, scenario="safe-links-at-click")
