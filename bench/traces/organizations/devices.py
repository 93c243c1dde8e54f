"""Devices of recipients: a mail program and a browser that stay the same, at places that change as places do.

An office keeps its network. A home line gets another address of its provider every few weeks, a phone with every mail.
Browsers update by themselves, so that an agent of September is not the agent of November.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from bench.traces import agents
from bench.traces.addresses import address_in, near, same_block
from bench.traces.agents import updated
from bench.traces.draft import Source
from bench.traces.people import Person, phone
from bench.traces.timing import DAY

Maker = Callable[[Random], Person]

Place = Literal["office", "home", "mobile", "shared"]
"""`shared` is an exit of a VPN, a web gateway or a cloud, which stays where it is as an office does."""

_UPDATE = 31 * DAY
"""Chrome and Edge get a new version every four to five weeks. Source: Chromium's release schedule."""

_EGRESS = 24
"""Networks through which a carrier's phones come out. So different people share one. Assumed."""


@dataclass(slots=True)
class Device:
    """What one recipient reads with."""

    person: Person
    """The program and the browser, as in September."""

    place: Place

    address: str
    """Address at the place, as in September."""

    lease: int
    """Milliseconds for which a home keeps its address."""

    bought: int = 0
    """Milliseconds since 1970 of the first day; 0 for one that was always there."""

    egress: int = _EGRESS
    """Networks of the carrier through which a phone comes out."""

    def used(self, random: Random, at: float, since: int) -> Person:
        """The person at this device at that time (milliseconds since 1970), `since` when the play began."""
        address = self._address(random, at, since)
        versions = int(max(at - since, 0) // _UPDATE) - 2
        browser = Source(address, _updated(self.person.browser.headers, versions))
        read_with = _updated(self.person.reader.headers, versions)
        read_at = address_in(random, self._proxy()) if self.person.proxied else address
        return replace(self.person, reader=Source(read_at, read_with), browser=browser, moves=0.0)

    def _proxy(self) -> str:
        agent = self.person.reader.headers.get("user-agent", "")
        if self.person.apple:
            return "apple-relay"
        return "google-proxy" if "Google" in agent else "yahoo-proxy" if "Yahoo" in agent else "exchange-online"

    def _address(self, random: Random, at: float, since: int) -> str:
        if self.place in ("office", "shared"):
            return near(random, self.address)
        if self.place == "mobile":
            egress = same_block(Random(f"egress {random.randrange(self.egress)}"), "mobile", self.address)
            return near(random, egress)
        leased = int(max(at - since, 0) // self.lease)
        there = same_block(Random(f"{self.address} {leased}"), "home", self.address) if leased else self.address
        return near(random, there)


def phone_like(person: Person) -> bool:
    """Whether the browser is a phone's."""
    agent = person.browser.headers.get("user-agent", "")
    return "iPhone" in agent or "Android" in agent


def placed(random: Random, person: Person, place: Place, address: str | None = None) -> Device:
    """A device at this place; at an address of its own unless there is one."""
    own = address_in(random, "mobile" if place == "mobile" else "home") if address is None else address
    return Device(person, place, own, random.choice((3, 14, 30, 60, 120)) * DAY)


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier that puts all its phones behind a few addresses, as carriers do where IPv4 addresses are short (RFC
    6598). Its phones are of a few models, whose agents are the same for all."""

    address: str
    """An address of the carrier, without IPv6."""

    phones: tuple[Person, ...]

    def phone(self, random: Random) -> Device:
        """One of its phones; three of five are iPhones, which all have one agent."""
        person = self.phones[0] if random.random() < 0.6 else random.choice(self.phones[1:])
        return replace(placed(random, person, "mobile", self.address), egress=_FEW)


_FEW = 4
"""Networks through which the phones of such a carrier come out. Assumed."""


def found_carrier(random: Random) -> Carrier:
    """Make up a carrier, and its phones: one iPhone and three Androids, with Outlook."""
    address = next(each for each in iter(lambda: address_in(random, "mobile"), "") if ":" not in each)
    androids = [phone(random, agents.outlook_android(random), agents.android_chrome(random)) for _ in range(3)]
    iphone = phone(random, agents.outlook_iphone(random), agents.iphone_safari(random))
    return Carrier(address, (iphone, *androids))


def _updated(headers: dict[str, str], versions: int) -> dict[str, str]:
    agent = headers.get("user-agent")
    return headers if agent is None else {**headers, "user-agent": updated(agent, versions)}
