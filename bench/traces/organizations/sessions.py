"""Sessions of the console: when, where and with which browser senders work in it.

They are drawn apart from all else, so that mails are the same with them and without. A session says nothing of a mail;
what it may wrongly say of a place is here as often as what it rightly says. All shares are assumed, and none is in
favor of who believes sessions:

- Four senders of six use the console, or the add-in of Outlook; of those who look at mail from elsewhere, too, some do
  not. A sender who is alone uses it, and on the phone: what is to be feared there is to be seen.
- Three of four use it at home, on a third of the working days at most, on a computer whose browser has another agent
  than its mail program. A home gets another address every few weeks, of which nothing is known before the next session.
- One of four uses it on the phone, now and then, behind a carrier's addresses that recipients have as well.
- In the office, whose network is registered, a session tells nothing that is not known.
- One day in ten a sender visits a company and works there with the same computer, on the line by which its people read.
- Some work in the same house as one of their recipients (a shared office, a hotel), or through the exit of a VPN, a web
  gateway or a cloud that one of them has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from bench.traces.addresses import address_in, near
from bench.traces.organizations import DAYS
from bench.traces.organizations.devices import Device, Place
from bench.traces.organizations.world import (
    START,
    USUAL,
    Organization,
    Sender,
    Setting,
    found_organization,
    is_working_day,
)
from bench.traces.timing import DAY, HOUR
from lib.catalogues.networks import Networks
from lib.clock import moment
from lib.tracking.facts import Fact
from lib.tracking.requests import new_fact

USERS = 2 / 3
"""Share of the senders who use the console."""

_SHARED: tuple[Place, ...] = ("home", "shared")
"""Places of recipients at which a sender may work."""

_Where = Callable[[int], tuple[str, str]]
"""Address and agent of a session at a time, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Session:
    """A page of the console that was answered to a sender."""

    at: int
    """Milliseconds since 1970."""

    sender: str
    """E-mail address."""

    address: str
    agent: str

    def request(self, networks: Networks) -> Fact:
        """The page's request, as a fact would have it."""
        headers = {"user-agent": self.agent, "x-forwarded-for": self.address}
        return new_fact("open", "", moment(self.at), "GET", headers, trusted_hops=1, networks=networks)


@dataclass(frozen=True, slots=True)
class _Habit:
    where: _Where
    chance: float
    """Chance of a session there on a working day."""


def play_sessions(seed: int, days: int = DAYS, setting: Setting = USUAL) -> list[Session]:
    """Play the sessions in an organization, in the order of time; the same for the same seed and setting."""
    organization = found_organization(seed, setting)
    random = Random(f"sessions {seed}{setting.name}")
    users = random.sample(organization.senders, round(USERS * len(organization.senders)) or 1)
    return sorted(
        (each for user in users for each in _sessions_of(organization, user, days, setting)),
        key=lambda each: (each.at, each.sender),
    )


def _sessions_of(organization: Organization, sender: Sender, days: int, setting: Setting) -> Iterator[Session]:
    random = Random(f"sessions {organization.seed}{setting.name} {sender.number}")
    habits = list(_habits(organization, sender, random))
    for day in filter(is_working_day, range(days)):
        for habit in habits:
            if random.random() < habit.chance:
                at = START + day * DAY + random.randrange(6 * HOUR, 20 * HOUR)
                yield Session(at, sender.email, *habit.where(at))


def _habits(organization: Organization, sender: Sender, random: Random) -> Iterator[_Habit]:
    home, carried = sender.devices
    customers = [each for each in organization.recipients if organization.sender_to(each.company) is sender]
    yield _Habit(_beside(random, home, lambda: organization.office), 0.5)
    if random.random() < 0.75:
        yield _Habit(_at(random, home), random.choice((0.05, 0.15, 0.3)))
    if random.random() < (0.25 if len(organization.senders) > 1 else 1.0):
        yield _Habit(_at(random, carried), 0.1)
    yield _Habit(_beside(random, home, lambda: random.choice(customers).company.office), 0.1)
    yield _Habit(_beside(random, home, lambda: address_in(random, "hotel-or-cafe")), 0.03)
    for place in _SHARED:
        there = [each for recipient in customers for each in recipient.devices if each.place == place]
        if there and random.random() < 0.3:
            yield _Habit(_with_browser_of(home, _at(random, random.choice(there))), 0.1)


def _at(random: Random, device: Device) -> _Where:
    """At the device's own place, with its browser."""

    def find(at: int) -> tuple[str, str]:
        browser = device.used(random, at, START).browser
        return browser.address, browser.headers["user-agent"]

    return find


def _beside(random: Random, computer: Device, place: Callable[[], str]) -> _Where:
    """At another place, with the computer."""
    return _with_browser_of(computer, lambda _: (near(random, place()), ""))


def _with_browser_of(computer: Device, where: _Where) -> _Where:
    def find(at: int) -> tuple[str, str]:
        return where(at)[0], computer.used(Random(0), at, START).browser.headers["user-agent"]

    return find
