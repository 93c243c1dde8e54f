"""Requests: all of a hit that comes again with the next hit by the same program from the same network.

What the catalogues and the rules say of a request does not depend on the message, the recipient or the time, so that it
is found once and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from lib.catalogues.autonomous_systems import NetworkClass
from lib.catalogues.owners import Owner
from lib.catalogues.registry import Catalogues
from lib.tracking.facts import Fact, FactKind
from lib.verdicts.rules.browsers import is_mail_program


class Source(NamedTuple):
    """Source of a fact, by which a machine or a person can be known again: network and agent."""

    network: str | None
    agent: str | None


class Request:
    """Request of a hit, and what the catalogues say of it. Two objects for the same request may be different."""

    __slots__ = ("agent", "catalogues", "headers", "image_proxy", "is_read_in_mail", "is_shared", "kind", "method",
                 "network", "network_class", "owner", "source")  # fmt: skip

    def __init__(
        self,
        catalogues: Catalogues,
        kind: FactKind,
        method: str,
        agent: str | None,
        network: str | None,
        owner: str | None,
        headers: Mapping[str, str],
    ) -> None:
        self.catalogues = catalogues
        self.kind: FactKind = kind
        self.method = method
        self.agent = agent
        self.network = network
        self.headers = headers
        self.source = Source(network, agent)
        name = catalogues.networks.owner_of(network) or owner
        self.owner: Owner | None = catalogues.owners.get(name) if name else None
        """Whose network it came from: as known when it came, or as the catalogue has it now."""
        self.network_class: NetworkClass | None = None if self.owner else catalogues.systems.class_of(network)
        """Class of a network in no list, by its autonomous system; None for a listed one."""
        self.image_proxy = catalogues.agents.image_proxy(agent) if agent else None
        """The mail service whose proxy asked."""
        is_through_others = self.owner is not None and self.owner.kind in ("relay", "proxy")
        self.is_shared = is_through_others or network is None or self.image_proxy is not None
        """Whether many people, and machines among them, come from there under the same agent: they are no one
        source."""
        self.is_read_in_mail = agent is not None and (is_mail_program(agent) or self.image_proxy is not None)
        """Whether it came from a mail program or a mail service's image proxy."""


@lru_cache(maxsize=4096)
def _request(
    catalogues: Catalogues,
    kind: FactKind,
    method: str,
    agent: str | None,
    network: str | None,
    owner: str | None,
    headers: tuple[tuple[str, str], ...],
) -> Request:
    return Request(catalogues, kind, method, agent, network, owner, dict(headers))


def request_of(fact: Fact, catalogues: Catalogues) -> Request:
    """Return the request of a hit."""
    headers = tuple(fact.headers.items())
    return _request(catalogues, fact.kind, fact.method, fact.agent, fact.network, fact.owner, headers)
