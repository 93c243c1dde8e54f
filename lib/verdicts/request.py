"""Requests: all of a hit that comes again with the next hit by the same program.

What the catalogues and the rules say of a request does not depend on the message, the recipient or the time, nor on
which of a carrier's networks it came from. So it is found once and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from lib.catalogues.autonomous_systems import NetworkKind
from lib.catalogues.owners import Owner
from lib.catalogues.registry import Catalogues
from lib.tracking.facts import Fact, FactKind, count_of
from lib.verdicts.program import Program, program_of

_NAMED: tuple[NetworkKind, ...] = ("security-vendor", "hosting")
"""Kinds of networks whose owner is named in sentences: no person's carrier is, as the sentence outlives the network."""


class Surroundings(NamedTuple):
    """What the rules see of a network. Many networks are the same place."""

    owner: str | None
    """Owner in the catalogue: as known when the hit came, or as the catalogue has it now."""

    kind: NetworkKind | None
    """Class of a network in no list, by its autonomous system; None for a listed one."""

    name: str
    """Name of that system's owner, where sentences name it."""

    is_certain: bool
    """Whether the kind is known, and not guessed."""

    is_known: bool
    """Whether the hit's network is known at all."""


class HitRequest:
    """Request of a hit, and what the catalogues say of it."""

    def __init__(
        self,
        catalogues: Catalogues,
        kind: FactKind,
        method: str,
        program: Program,
        place: Surroundings,
        headers: Mapping[str, str],
    ) -> None:
        self.catalogues = catalogues
        self.kind: FactKind = kind
        self.method = method
        self.program = program
        self.agent = program.agent
        self.place = place
        self.headers = headers
        self.owner: Owner | None = catalogues.owners.get(place.owner) if place.owner else None
        """Owner of the network that it came from."""
        self.gateway_network = self.owner.name if self.owner is not None and self.owner.kind == "gateway" else None
        """Name of that owner where it is a product that filters mail."""
        self.image_proxy = program.image_proxy
        """The mail service whose proxy asked."""
        is_through_others = self.owner is not None and self.owner.kind in ("relay", "proxy")
        self.is_shared = is_through_others or not place.is_known or self.image_proxy is not None
        """Whether many people, and machines among them, come from there under the same agent: they are no one
        source."""
        self.count = count_of(headers)
        """Number of hits that the fact stands for."""
        self.is_read_in_mail = program.is_mail_program or program.image_proxy is not None
        """Whether it came from a mail program or a mail service's image proxy."""


@lru_cache(maxsize=4096)
def _place_of(catalogues: Catalogues, network: str | None, owner: str | None) -> Surroundings:
    name = catalogues.networks.owner_of(network) or owner
    if name in catalogues.owners:
        return Surroundings(name, None, "", False, network is not None)
    found = catalogues.systems.class_of(network)
    if found is None:
        return Surroundings(None, None, "", False, network is not None)
    return Surroundings(None, found.kind, found.name if found.kind in _NAMED else "", found.is_certain, True)


@lru_cache(maxsize=4096)
def _request(
    catalogues: Catalogues,
    kind: FactKind,
    method: str,
    agent: str | None,
    place: Surroundings,
    headers: tuple[tuple[str, str], ...],
) -> HitRequest:
    return HitRequest(catalogues, kind, method, program_of(catalogues.agents, agent), place, dict(headers))


def request_of(fact: Fact, catalogues: Catalogues) -> HitRequest:
    """Return the request of a hit: the same object for the same request, as long as it is kept."""
    place = _place_of(catalogues, fact.network, fact.owner)
    return _request(catalogues, fact.kind, fact.method, fact.agent, place, tuple(fact.headers.items()))
