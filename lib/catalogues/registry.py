"""All catalogues together, as the judge looks them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lib.catalogues.agents import Agents, load_agents
from lib.catalogues.autonomous_systems import AutonomousSystems, NetworkClass, NetworkKind
from lib.catalogues.gateways import Gateways, read_gateways
from lib.catalogues.networks import Networks
from lib.catalogues.owners import Owner, OwnerKind, load_owners

_NETWORK_KINDS: Mapping[OwnerKind, NetworkKind] = {
    "scanner": "security-vendor",
    "gateway": "security-vendor",
    "relay": "vpn",
    "proxy": "hosting",
    "cloud": "hosting",
    "web-gateway": "web-gateway",
}


@dataclass(frozen=True, slots=True, eq=False)
class Catalogues:
    """Everything that the judge looks up, and the hot path's networks and owners. Each object equals itself alone."""

    networks: Networks
    owners: Mapping[str, Owner]
    """Owners by the ids that `networks` gives."""
    gateways: Gateways
    agents: Agents
    systems: AutonomousSystems
    """Autonomous systems, which announce networks."""

    def class_of(self, network: str | None) -> NetworkClass | None:
        """Return what is known of a whole `192.0.2.0/24` or `2001:db8:1::/48`; None if it has several owners or none.

        An owner in the catalogue of networks comes before the autonomous system.
        """
        found = self.networks.owner_of(network)
        if found is None:
            return self.systems.class_of(network)
        owner = self.owners[found]
        return NetworkClass(_NETWORK_KINDS[owner.kind], owner.name, None, is_certain=True)


def load_catalogues(folder: Path | None = None) -> Catalogues:
    """Read our catalogues, with the additions and corrections of a deployment's folder. Raises BrokenCatalogue."""
    return _ours() if folder is None else _load(folder)


@cache
def _ours() -> Catalogues:
    return _load(None)


def _load(folder: Path | None) -> Catalogues:
    owners, networks = load_owners(folder)
    systems = AutonomousSystems(folder)
    systems.read_rows()  # a broken row stops the start
    return Catalogues(networks, owners, read_gateways(folder), load_agents(folder), systems)
