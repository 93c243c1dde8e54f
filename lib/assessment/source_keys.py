"""Keys of sources: keyed hashes of the place, the program and the recipient of a hit.

A place is a network, or the service through which many people read. Its area is the networks within which the source
may move.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network

from lib.catalogues.autonomous_systems import NetworkClass, NetworkKind
from lib.catalogues.registry import Catalogues
from lib.tracking.facts import Fact
from lib.verdicts.memory import SourceKey
from lib.verdicts.request import request_of

_LINES: frozenset[NetworkKind | None] = frozenset(("access", "business", None))
"""Kinds of networks that no carrier of phones, web gateway, VPN or hoster owns."""

HashText = Callable[[str], str]
"""The organization's keyed hash of a text."""

_MOST_KEYS = 500
"""Sources of one message for which keys are made, some 10 us each."""

_NUMBERS = re.compile(r"[0-9._]+")

_OF_CUSTOMERS: frozenset[NetworkKind] = frozenset(("access", "mobile", "business", "vpn", "web-gateway"))
"""Kinds of networks in which many customers of one owner sit: two readers with the same carrier and the same browser
are no relatives. Elsewhere, as at a hoster, the same agent in another network of the owner is mostly the same product.
"""

_OF_CROWDS: frozenset[NetworkKind] = frozenset(("web-gateway",))
"""Kinds of networks in which thousands of people, of many companies, have the same few addresses."""


@dataclass(frozen=True, slots=True)
class SourceNames:
    """Hashes of an organization's texts, and of the recipients of one message."""

    hash_text: HashText
    people: Mapping[int, tuple[str, str]]
    """Hashes of company and address, by recipient number."""

    anybodys: frozenset[str]
    """Hashes of companies that are none: of domains where anybody can have an address."""

    only: int | None = None
    """The number of the only recipient, whose a hit is that does not tell."""

    def keys(self, hits: Iterable[Fact], catalogues: Catalogues) -> dict[str, SourceKey]:
        """Keys of the hits' sources, by fact key; of the first `_MOST_KEYS` sources alone."""
        made: dict[object, SourceKey | None] = {}
        found = {}
        for fact in hits:
            source = fact.recipient, fact.network, fact.agent, fact.owner
            if source not in made and len(made) < _MOST_KEYS:
                made[source] = self._key(fact, catalogues)
            if key := made.get(source):
                found[fact.key] = key
        return found

    def _key(self, fact: Fact, catalogues: Catalogues) -> SourceKey | None:
        """Key of the fact's source; None where it is not known whose copy it was."""
        number = self.only if fact.recipient is None else fact.recipient
        person = None if number is None else self.people.get(number)
        if person is None:
            return None
        agent = fact.agent or ""
        shared = shared_by(fact, catalogues)
        system = catalogues.systems.class_of(fact.network)
        return SourceKey(
            place=hash_place(self.hash_text, shared or fact.network),
            area=self.hash_text(f"area {_area_of(fact.network, system) or shared or _neighborhood(fact.network)}")[:12],
            agent=self.hash_text(f"agent {agent}")[:12],
            program=self.hash_text(f"program {_NUMBERS.sub('', agent)}")[:8],
            company=person[0],
            person=person[1],
            is_shared=shared is not None or (system is not None and system.kind in _OF_CROWDS),
        )


def hash_place(hash_text: HashText, name: str | None) -> str:
    """Hash the network, or the name of the service through which many people read."""
    return hash_text(f"place {name}")[:16]


def shared_by(fact: Fact, catalogues: Catalogues) -> str | None:
    """Name of what many people's hits come through, so that the network tells nothing; None for a place of its own."""
    request = request_of(fact, catalogues)
    if not request.is_shared:
        return None
    is_somewhere = request.image_proxy or request.place.is_known
    return f"{request.image_proxy} {request.place.owner}" if is_somewhere else "nowhere"


def is_own_line(fact: Fact, catalogues: Catalogues) -> bool:
    """Whether the hit came over a line on which the people of a house or a company are, as far as is known."""
    place = request_of(fact, catalogues).place
    return place.is_known and place.owner is None and place.kind in _LINES


def _area_of(network: str | None, system: NetworkClass | None) -> str | None:
    """Name the networks within which a source may move; the network alone where the owner's customers sit in them."""
    if system is None:
        return None
    return network if system.kind in _OF_CUSTOMERS else system.name


@lru_cache(maxsize=4096)
def _neighborhood(network: str | None) -> str | None:
    """The /16, or the /32 of IPv6, that holds a network of which no owner is known: registries allot no less."""
    if network is None:
        return None
    found = ip_network(network, strict=False)
    wide = 16 if found.version == 4 else 32
    return str(found.supernet(new_prefix=wide)) if found.prefixlen > wide else network
