"""A trace in the making: the mail's shape, and what scenarios add to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from bench.traces.addresses import address_in, near
from bench.traces.timing import DAY, HOUR, MINUTE, delivery
from bench.traces.trace import Actor, Request, Trace
from lib.tracking.facts import HitKind
from lib.tracking.requests import network_of

# Ids of the catalogue of gateways.
MICROSOFT = "microsoft-365"
GOOGLE = "google-workspace"
PROOFPOINT = "proofpoint"
MIMECAST = "mimecast"
BARRACUDA = "barracuda"
CISCO = "cisco"
YAHOO = "yahoo"
ICLOUD = "icloud"
SOPHOS = "sophos"
TREND = "trend-micro"
HORNET = "hornetsecurity"

GATEWAY_SHARES: dict[str | None, float] = {
    MICROSOFT: 38,
    GOOGLE: 22,
    PROOFPOINT: 8,
    MIMECAST: 6,
    BARRACUDA: 5,
    CISCO: 3,
    SOPHOS: 1.5,
    TREND: 1,
    HORNET: 1,
    YAHOO: 1.5,
    ICLOUD: 1,
    None: 12,
}
"""Per cent of recipients. Spamresource counted .edu domains in 2024: 42, 22, 6, 2, 5, 2, other 22; companies, who buy
more gateways, are assumed to have a third more of these."""

_LINKS = ((0, 8), (1, 20), (2, 19), (3, 16), (4, 11), (5, 8), (6, 6), (7, 4), (8, 3), (9, 2), (10, 1), (11, 1), (12, 1))
"""Links of a mail and their share in per cent: a salesperson's letter with a signature, now and then a newsletter.
Assumed. A destination that stands in a mail twice counts twice: each place has an index, and so an address, of its
own."""

_HONEYPOTS = 0.25
"""The share of mails with links that carry one more, which no person sees. Assumed: a setting that few turn on."""

_CAMPAIGNS = 0.3
"""The share of messages that go out together with others like them, so that one source meets several. Assumed."""

_SUMMER = datetime(2026, 9, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Source:
    """A client as the server sees it: address and headers."""

    address: str
    headers: dict[str, str]


@dataclass(slots=True)
class Draft:
    """`links` counts all, honeypots among them. `delivered` says by recipient when the mail was in the mailbox."""

    random: Random
    scenario: str
    message: str
    sent_at: int
    links: int
    honeypots: frozenset[int]
    in_campaign: bool
    own_address: str
    gateways: list[str | None] = field(default_factory=list)
    delivered: list[int] = field(default_factory=list)
    read: set[int] = field(default_factory=set)
    colleagues: set[int] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)
    skew: int = 0

    @staticmethod
    def start(random: Random, scenario: str) -> Draft:
        """A mail without a recipient yet, sent in office hours of some working day in autumn 2026."""
        links = random.choices([links for links, _ in _LINKS], [share for _, share in _LINKS])[0]
        draft = Draft(
            random=random,
            scenario=scenario,
            message=f"{random.getrandbits(128):032x}",
            sent_at=_office_hour(random),
            links=0,
            honeypots=frozenset(),
            in_campaign=random.random() < _CAMPAIGNS,
            own_address=address_in(random, "office"),
        )
        draft.has_links(links)
        return draft

    def has_links(self, visible: int) -> None:
        """Lays out the mail anew with so many links that people see, and perhaps a honeypot among them."""
        trapped = visible > 0 and self.random.random() < _HONEYPOTS
        self.links = visible + trapped
        self.honeypots = frozenset((self.random.randrange(self.links),)) if trapped else frozenset()

    def has_at_least(self, visible: int) -> None:
        """The scenario needs links to follow."""
        if len(self.visible_links) < visible:
            self.has_links(visible + self.random.choice((0, 0, 1, 2, 4)))

    @property
    def visible_links(self) -> list[int]:
        return [link for link in range(self.links) if link not in self.honeypots]

    def to(self, gateway: str | None) -> int:
        """One more recipient behind this gateway: the number."""
        self.gateways.append(gateway)
        self.delivered.append(self.sent_at + delivery(self.random))
        return len(self.gateways) - 1

    def to_anyone(self) -> int:
        return self.to(any_gateway(self.random))

    def request(
        self,
        at: float,
        source: Source,
        actor: Actor,
        recipient: int,
        kind: HitKind = "open",
        item: int = 0,
        *,
        method: str = "GET",
        scenario: str | None = None,
        unknowable: bool = False,
        elsewhere: int = 0,
    ) -> None:
        """One request; nothing comes before the hand-off but for a clock that is wrong (`skew`)."""
        self.requests.append(
            Request(
                at=max(int(at), self.sent_at + 1) + self.skew,
                kind=kind,
                item=item,
                recipient=recipient,
                method=method,
                headers=source.headers,
                address=source.address,
                actor=actor,
                scenario=scenario or self.scenario,
                unknowable=unknowable,
                elsewhere=elsewhere,
            )
        )

    def finish(self) -> Trace:
        """The trace, with what an MX look-up tells: of every tenth domain nothing."""
        seen = [gateway if self.random.random() < 0.9 else None for gateway in self.gateways]
        networks = {network_of(self.own_address), network_of(near(self.random, self.own_address))}
        return Trace(
            message=self.message,
            scenario=self.scenario,
            sent_at=self.sent_at,
            links=self.links,
            honeypots=self.honeypots,
            gateways=tuple(seen),
            own_networks=tuple(sorted(network for network in networks if network)),
            colleagues=frozenset(self.colleagues),
            read=frozenset(self.read),
            requests=tuple(sorted(self.requests, key=lambda request: request.at)),
        )


def any_gateway(random: Random) -> str | None:
    """The product before a recipient's mailbox, or None: nothing that an MX record would name."""
    return random.choices(list(GATEWAY_SHARES), list(GATEWAY_SHARES.values()))[0]


def _office_hour(random: Random) -> int:
    while True:
        day = int(_SUMMER.timestamp() * 1000) + random.randrange(80) * DAY
        if datetime.fromtimestamp(day / 1000, UTC).weekday() < 5:
            return day + random.randrange(7 * HOUR, 18 * HOUR) + random.randrange(MINUTE)
