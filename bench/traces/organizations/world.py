"""An organization with its senders, and the companies and people that they write to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from bench.traces import agents
from bench.traces.addresses import address_in
from bench.traces.draft import BARRACUDA, CISCO, GOOGLE, HORNET, MICROSOFT, MIMECAST, PROOFPOINT, SOPHOS, TREND, Source
from bench.traces.organizations import DAYS
from bench.traces.organizations.devices import Carrier, Device, Maker, found_carrier, phone_like, placed
from bench.traces.organizations.vendors import Vendor, found_vendor
from bench.traces.people import (
    Person,
    apple_plain,
    browser_headers,
    gmail,
    outlook_desktop,
    outlook_phone,
    outlook_proxied,
    outlook_web,
    person_behind,
    phone,
)
from bench.traces.timing import DAY

START = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp() * 1000)
PEOPLE = 300

AT_DELIVERY = {
    "nothing-scans": 12,
    "the-gateway-s-own-scan": 21,
    "unlisted-burst": 6,
    "one-unlisted-link": 4,
    "two-unlisted-addresses": 2,
    "patient-scanner": 2,
    "hidden-link-last": 2,
    "scan-hours-later": 2,
    "scan-days-later": 2,
    "residential-sandbox": 6,
    "archive": 1,
}
"""How many of the 60 companies have mail scanned in which way. What is hard to tell is there more often than in the
field, so that its figures mean something."""

AT_CLICK = {
    "nothing-checks": 34,
    "safe-links": 9,
    "check-before-click": 5,
    "repeated-click": 5,
    "antivirus-at-the-reader": 4,
    "office-asks": 3,
}
"""How many companies have links checked in which way when a person clicks."""

HABITS = {
    "ordinary-reader": 144,
    "silent": 40,
    "prompt-in-new-outlook": 10,
    "prompt-in-outlook-on-the-web": 10,
    "prompt-through-the-image-service": 10,
    "tabs-on-a-phone": 12,
    "cloud-desktop": 12,
    "behind-a-vpn": 12,
    "browser-engine-program": 10,
    "outlook-on-an-ipad": 6,
    "assistant-in-a-cloud": 8,
    "assistant-that-says-so": 6,
    "assistant-in-the-reader-s-browser": 8,
    "passes-mail-to-strangers": 12,
}
"""How many of the 300 recipients read in which way."""

LOOKS = 0.06
"""Chance that a sender who looks at mails from elsewhere does so at a mail. Assumed."""

PHONES = "phone-behind-one-carrier"


@dataclass(frozen=True, slots=True)
class Setting:
    """What sets one organization apart from another."""

    name: str
    """Part of the seed."""

    senders: int
    looking: int
    """How many of the senders look at their mails from elsewhere, often enough for their devices to be known again."""

    habits: Mapping[str, int]
    """How many of the 300 recipients read in which way."""


USUAL = Setting("", 6, 2, HABITS)

ONE_CARRIER = Setting(
    "one carrier",
    1,
    1,
    {PHONES: 210, "ordinary-reader": 38, "silent": 40, "passes-mail-to-strangers": 12},
)
"""One sender writes all mail, and most recipients read on phones behind one carrier's few addresses, as the sender
does. Nothing but what is done tells the sender's phone from a recipient's. Assumed."""

_SHARES = {
    MICROSOFT: 46,
    GOOGLE: 20,
    PROOFPOINT: 9,
    MIMECAST: 8,
    BARRACUDA: 6,
    CISCO: 3,
    SOPHOS: 3,
    TREND: 2,
    HORNET: 1,
}
_ISOLATED = {PROOFPOINT: "proofpoint", MIMECAST: "mimecast", CISCO: "cisco"}
_OWN_SCAN = (MICROSOFT, PROOFPOINT, MIMECAST, BARRACUDA, CISCO)


@dataclass(slots=True)
class Company:
    """A company that gets mail."""

    number: int

    gateway: str | None
    """Product before its mailboxes, as an MX record names it."""

    is_known: bool
    """Whether the MX record tells the gateway."""

    at_delivery: str
    at_click: str

    scanner: Vendor
    """Product that acts at delivery, where it is no listed one."""

    checker: Vendor
    """Product that acts at a click, where it is no listed one."""

    scanned: float
    """Share of the mails that are scanned at delivery."""

    office: str
    """Address of the office's line."""

    exit: str | None
    """Address of the web gateway that carries all its browsing, and that of other companies, or None."""

    isolated: str | None
    """Key of `bench.traces.addresses.BLOCKS` where clicks of its people come from, as its gateway opens links in a
    browser of its own; or None. Source: warmbly#526."""

    has_help_desk: bool = False
    """Whether its first recipient is a ticket system's address."""


@dataclass(slots=True)
class Recipient:
    """A person who gets mail, at one company."""

    number: int
    company: Company
    habit: str
    devices: list[Device]

    interest: float
    """Chance that a mail is read."""

    clicks: float
    """Chance that a mail that is read is clicked."""

    replies: float
    """Chance that a mail that is read is answered."""

    away: range
    """Days of a holiday, counted from the start."""

    @property
    def email(self) -> str:
        return f"person-{self.number}@company-{self.company.number}.example"


@dataclass(slots=True)
class Sender:
    """A salesperson of the organization."""

    number: int

    looks: float
    """Chance that the salesperson looks at a mail from outside the office."""

    devices: list[Device] = field(default_factory=list)
    """At home, and a phone."""

    @property
    def email(self) -> str:
        return f"sender-{self.number}@seller.example"


@dataclass(slots=True)
class Organization:
    """All who take part in one play."""

    seed: int
    random: Random
    office: str
    """Address of the senders' office, whose network is registered."""

    senders: list[Sender]
    companies: list[Company]
    recipients: list[Recipient]
    machines: list[Vendor]
    """Machines of help desks, movers of mailboxes and assistants: products that open mail for other reasons."""

    def at(self, company: Company) -> list[Recipient]:
        """The company's recipients."""
        return [each for each in self.recipients if each.company is company]

    def sender_to(self, company: Company) -> Sender:
        """The salesperson who writes to a company: its people hear from the same one each time."""
        return self.senders[company.number % len(self.senders)]


def is_working_day(day: int) -> bool:
    """Whether a day, counted from the start, is none of a weekend."""
    return datetime.fromtimestamp((START + day * DAY) / 1000, UTC).weekday() < 5


def found_organization(seed: int, setting: Setting = USUAL) -> Organization:
    """Make up an organization, the same for the same seed and setting."""
    random = Random(f"organization {seed}{setting.name}")
    carrier = found_carrier(random) if PHONES in setting.habits else None
    vpn = [address_in(random, "vpn") for _ in range(5)]
    companies = _companies(random, vpn)
    looks = [LOOKS if number < setting.looking else 0.0 for number in range(setting.senders)]
    senders = [_sender(random, number, each, carrier) for number, each in enumerate(looks)]
    habits = _dealt(random, setting.habits, PEOPLE)
    homes = _workplaces(random, companies)
    recipients = [_recipient(random, number, homes[number], habits[number], vpn, carrier) for number in range(PEOPLE)]
    machines = [found_vendor(random, START, vpn) for _ in range(4)]
    return Organization(seed, random, address_in(random, "office"), senders, companies, recipients, machines)


def _companies(random: Random, vpn: list[str]) -> list[Company]:
    count = sum(AT_DELIVERY.values())
    habits, checks = _dealt(random, AT_DELIVERY, count), _dealt(random, AT_CLICK, count)
    # Two products for each way of scanning: a large one with most of the companies, and a small one.
    products = {habit: [found_vendor(random, START, vpn) for _ in range(2)] for habit in AT_DELIVERY}
    checkers = {
        habit: [found_vendor(random, START, vpn, outdated=habit == "repeated-click") for _ in range(2)]
        for habit in AT_CLICK
    }
    exits = [address_in(random, "web-gateway") for _ in range(4)]
    found = []
    for number, (habit, check) in enumerate(zip(habits, checks, strict=True)):
        small = random.random() < 0.3
        gateway = _gateway(random, habit, check)
        found.append(
            Company(
                number=number,
                gateway=gateway,
                is_known=random.random() < 0.9,
                at_delivery=habit,
                at_click=check,
                scanner=products[habit][small],
                checker=checkers[check][small],
                scanned=random.uniform(0.35, 1.0),
                office=address_in(random, "office"),
                exit=random.choice(exits) if random.random() < 0.12 else None,
                isolated=_ISOLATED.get(gateway or "") if random.random() < 0.3 else None,
            )
        )
    for company in random.sample(found, 3):
        company.has_help_desk = True
    return found


def _gateway(random: Random, habit: str, check: str) -> str | None:
    if habit == "the-gateway-s-own-scan":
        return random.choices(_OWN_SCAN, (45, 20, 15, 12, 8))[0]
    if check == "safe-links":
        return MICROSOFT
    if habit == "nothing-scans":
        return random.choices((GOOGLE, MICROSOFT, None), (55, 35, 10))[0]
    return random.choices((*_SHARES, None), (*_SHARES.values(), 12))[0]


def _workplaces(random: Random, companies: list[Company]) -> list[Company]:
    """Each company has two people, and the rest are where there are many: some companies have 15, most have three."""
    rest = PEOPLE - 2 * len(companies)
    sizes = [random.lognormvariate(0, 0.9) for _ in companies]
    return [*companies, *companies, *random.choices(companies, sizes, k=rest)]


def _recipient(
    random: Random, number: int, company: Company, habit: str, vpn: list[str], carrier: Carrier | None
) -> Recipient:
    begin = random.randrange(10, DAYS - 14)
    return Recipient(
        number=number,
        company=company,
        habit=habit,
        devices=[carrier.phone(random)] if carrier and habit == PHONES else _devices(random, company, habit, vpn),
        interest=0.0 if habit == "silent" else min(max(random.gauss(0.5, 0.2), 0.15), 0.95),
        clicks=min(max(random.gauss(0.45, 0.2), 0.05), 0.9),
        replies=random.choice((0.0, 0.03, 0.05, 0.1, 0.25)),
        away=range(begin, begin + random.choice((5, 7, 14))) if random.random() < 0.5 else range(0),
    )


_MAKERS: dict[str, Maker] = {
    "prompt-in-outlook-on-the-web": outlook_web,
    "prompt-through-the-image-service": outlook_proxied,
    "tabs-on-a-phone": outlook_phone,
}


def _program(agent: str, browser: str, random: Random, loads: float) -> Person:
    follows = Source("", browser_headers(random, browser))
    return Person(Source("", {**follows.headers, "user-agent": agent}), follows, loads=loads, again=0.7)


def _main_program(random: Random, company: Company, habit: str) -> Person:
    if habit == "prompt-in-new-outlook":
        agent = agents.new_outlook(random)
        return _program(agent, agent.partition(" OneOutlook")[0], random, 0.95)
    if habit == "browser-engine-program":
        return _program(agents.browser_engine_program(random), agents.windows_browser(random), random, 0.85)
    if habit == "outlook-on-an-ipad":
        return _program(agents.outlook_ipad(random), agents.mac_safari(random), random, 0.95)
    if habit in ("behind-a-vpn", "cloud-desktop"):
        return (outlook_web if random.random() < 0.5 else outlook_desktop)(random)
    made = _MAKERS.get(habit)
    return person_behind(random, company.gateway) if made is None else made(random)


def _devices(random: Random, company: Company, habit: str, vpn: list[str]) -> list[Device]:
    """The main one; perhaps a phone; perhaps a new phone some day."""
    main = _main_program(random, company, habit)
    if habit == "cloud-desktop":
        where = placed(random, main, "shared", address_in(random, random.choice(("azure", "cloud"))))
    elif habit == "behind-a-vpn":
        where = placed(random, main, "shared", random.choice(vpn))
    elif phone_like(main):
        where = placed(random, main, "mobile" if random.random() < 0.6 else "home")
    elif company.exit is not None:
        where = placed(random, main, "shared", company.exit)
    else:
        where = (
            placed(random, main, "office", company.office) if random.random() < 0.7 else placed(random, main, "home")
        )
    found = [where]
    if random.random() < 0.5 and not phone_like(main):
        carried = gmail(random) if company.gateway == GOOGLE else random.choice((outlook_phone, apple_plain))(random)
        found.append(placed(random, carried, "mobile"))
    if random.random() < 0.4 and any(phone_like(each.person) for each in found):
        new = phone(random, agents.outlook_iphone(random), agents.iphone_safari(random))
        bought = placed(random, new, "mobile")
        bought.bought = START + random.randrange(20, DAYS - 10) * DAY
        found.append(bought)
    return found


def _sender(random: Random, number: int, looks: float, carrier: Carrier | None) -> Sender:
    home = placed(random, outlook_desktop(random), "home")
    carried = carrier.phone(random) if carrier else placed(random, outlook_phone(random), "mobile")
    return Sender(number, looks, [home, carried])


def _dealt(random: Random, shares: Mapping[str, int], count: int) -> list[str]:
    """Names as often as `shares` says, in an order by chance: every one of them occurs in every organization."""
    names = [name for name, times in shares.items() for _ in range(times)]
    random.shuffle(names)
    assert len(names) == count, (len(names), count)
    return names
