"""A trace: one sent message, what became of it in truth, and every request that it drew, each with who made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Literal

from lib.catalogues.networks import Networks
from lib.clock import moment
from lib.tracking.facts import Fact, HitKind
from lib.tracking.requests import new_fact
from lib.verdicts.context import Sending

Actor = Literal["person", "machine"]
"""`person`: a recipient, or whom a recipient forwarded it to, was there. `machine`: anything else that is no
engagement, the sender's own opens among it."""

_PRIVACY_HEADERS = ("dnt", "sec-gpc")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `at` is milliseconds since 1970; `headers` have names in lower case; `address` is the client's.

    `recipient` is whose copy was asked for, not who asked. `unknowable` marks what Apple's Mail Privacy Protection
    loads: the request looks the same whether or not a person reads, and `actor` says which it was. `scenario` names
    the behaviour that made the request, `elsewhere` how many other messages the same source asked for within seconds.
    `nothing_tells` marks behaviour that people and machines share in all that is recorded, over all mails.
    """

    at: int
    kind: HitKind
    item: int
    recipient: int
    method: str
    headers: dict[str, str]
    address: str
    actor: Actor
    scenario: str
    unknowable: bool = False
    elsewhere: int = 0
    nothing_tells: bool = False

    @property
    def keeps_private(self) -> bool:
        """The browser asked not to be tracked (DNT or Global Privacy Control)."""
        return any(self.headers.get(name) == "1" for name in _PRIVACY_HEADERS)


@dataclass(frozen=True, slots=True)
class Trace:
    """One message. `requests` are in order of time.

    `gateways` are the recipients' filters as a look-up of their MX tells, or None; `colleagues` are the recipients of
    the sender's own company; `read` are those whose copy a person has read, with or without a request to show for it.
    """

    message: str
    scenario: str
    sent_at: int
    links: int
    honeypots: frozenset[int]
    gateways: tuple[str | None, ...]
    own_networks: tuple[str, ...]
    colleagues: frozenset[int]
    read: frozenset[int]
    requests: tuple[Request, ...]
    _recorded: list[tuple[Request, Fact]] = field(default_factory=list, compare=False, repr=False)

    def labelled(self, networks: Networks | None = None) -> Sequence[tuple[Request, Fact]]:
        """Every request that leaves a fact, with its fact. Made once: `networks` is that of the first call.

        A browser that asks not to be tracked leaves no fact of an open, and one of a click without the recipient.
        """
        if not self._recorded:
            for number, request in enumerate(self.requests):
                if request.keeps_private and request.kind == "open":
                    continue
                self._recorded.append((request, self._fact(number, request, networks)))
        return self._recorded

    def facts(self, networks: Networks | None = None) -> list[Fact]:
        """Facts as the hot path makes them: `networks` gives the owner of an address."""
        return [fact for _, fact in self.labelled(networks)]

    @property
    def sending(self) -> Sending:
        """The judge's knowledge besides the facts. Call `labelled` or `facts` first."""
        elsewhere = {fact.key: request.elsewhere for request, fact in self.labelled() if request.elsewhere}
        return Sending(
            sent_at=self.sent_at,
            links=self.links,
            honeypots=self.honeypots,
            gateways=self.gateways,
            own_networks=self.own_networks,
            colleagues=self.colleagues,
            elsewhere=elsewhere,
        )

    def _fact(self, number: int, request: Request, networks: Networks | None) -> Fact:
        fact = new_fact(
            request.kind,
            self.message,
            moment(request.at),
            request.method,
            {**request.headers, "x-forwarded-for": request.address},
            recipient=None if request.keeps_private else request.recipient,
            item=request.item,
            trusted_hops=1,
            networks=networks,
        )
        # A fact's own key is random; this one comes again with the seed, in a shape that facts have.
        tail = blake2b(f"{self.message} {number}".encode(), digest_size=6).hexdigest()
        return replace(fact, key=f"{request.at:013d}-{tail}", at=request.at)
