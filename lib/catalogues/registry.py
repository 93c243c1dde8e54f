"""All catalogues together, as the judge looks them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lib.catalogues.agents import Agents, load_agents
from lib.catalogues.gateways import Gateways, read_gateways
from lib.catalogues.networks import Networks
from lib.catalogues.owners import Owner, load_owners


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Everything that the hot path and the judge look up."""

    networks: Networks
    owners: Mapping[str, Owner]
    """Owners by the ids that `networks` gives."""
    gateways: Gateways
    agents: Agents


def load_catalogues(folder: Path | None = None) -> Catalogues:
    """Read our catalogues, with the additions and corrections of a deployment's folder. Raises BrokenCatalogue."""
    return _ours() if folder is None else _load(folder)


@cache
def _ours() -> Catalogues:
    return _load(None)


def _load(folder: Path | None) -> Catalogues:
    owners, networks = load_owners(folder)
    networks.systems.read_rows()  # a broken row stops the start
    return Catalogues(networks, owners, read_gateways(folder), load_agents(folder))
