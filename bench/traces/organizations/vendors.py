"""Scanning products that no list has: each keeps its networks and its clients, and serves several companies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from bench.traces import agents
from bench.traces.addresses import address_in, near, same_block
from bench.traces.draft import Source
from bench.traces.people import headers
from bench.traces.timing import DAY

PLACES = {"small-hoster": 45, "security-vendor": 20, "business-line": 20, "vpn": 15}
"""Where such products run, in per cent. Assumed."""

_ROTATION = 40 * DAY
"""A product gives up one of its networks, and takes another, about as often. Assumed."""

_LANGUAGES = ("en-US,en;q=0.9", "en-US", "en-GB,en;q=0.9")


@dataclass(slots=True)
class Vendor:
    """A product of one customer or of many."""

    place: str
    """A key of `bench.traces.addresses.BLOCKS`."""

    networks: list[str]
    """One address for each network that the product has had, in the order in which it got them."""

    at_once: int
    """Number of networks in use at one time."""

    clients: list[dict[str, str]]
    """Headers of the product's clients."""

    since: int
    """Milliseconds since 1970 of the start of the play."""

    def source(self, random: Random, at: float) -> Source:
        """A client as it is at that time."""
        return Source(near(random, random.choice(self._in_use(at))), random.choice(self.clients))

    def sources(self, random: Random, at: float, count: int) -> list[Source]:
        """Clients in different networks, as far as there are so many."""
        chosen = random.sample(self._in_use(at), min(count, self.at_once))
        return [Source(near(random, address), random.choice(self.clients)) for address in chosen]

    def _in_use(self, at: float) -> list[str]:
        first = int(max(at - self.since, 0) // _ROTATION) % len(self.networks)
        return [self.networks[(first + place) % len(self.networks)] for place in range(self.at_once)]


def found_vendor(random: Random, since: int, vpn: Sequence[str], *, outdated: bool = False) -> Vendor:
    """Make up a product. One in a VPN shares an exit of `vpn` with people. With `outdated` browsers it pretends to be
    of years ago."""
    place = random.choices(tuple(PLACES), tuple(PLACES.values()))[0]
    home = random.choice(vpn) if place == "vpn" else address_in(random, place)
    at_once = random.choice((2, 2, 3, 4))
    networks = [home] + [same_block(random, place, home) for _ in range(at_once + 2)]
    imitates = agents.outdated_browser if outdated else agents.imitating_scanner
    clients = [_client(random, imitates(random)) for _ in range(random.choice((1, 1, 2, 3)))]
    return Vendor(place, networks, at_once, clients, since)


def _client(random: Random, agent: str) -> dict[str, str]:
    """Two of three name a language, as a browser does. Assumed, like the same share in `bench.traces.scanners`."""
    return headers(agent, random.choice(_LANGUAGES) if random.random() < 0.65 else None)
