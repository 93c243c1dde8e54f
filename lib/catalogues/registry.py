"""All catalogues, read together at the start, so that a broken row stops it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

from lib.catalogues.agents import Agents, load_agents
from lib.catalogues.csv_rows import read_rows
from lib.catalogues.gateways import ID, Gateways, read_gateways
from lib.catalogues.networks import Networks, read_networks

OwnerKind = Literal["scanner", "gateway", "relay", "proxy", "cloud"]
OWNER_KINDS: tuple[OwnerKind, ...] = ("scanner", "gateway", "relay", "proxy", "cloud")


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner of networks."""

    owner: str
    """The id, by which `networks.csv` names the owner."""
    name: str
    """The name in sentences."""
    kind: OwnerKind
    """The meaning of a hit from the owner's networks:

    - `scanner`: a machine's open or click;
    - `gateway`: a scan soon after delivery; later perhaps a person, through the product's browser isolation;
    - `relay`: many people, and machines too if the hit is an open; a click is a person's;
    - `proxy`: an image fetched for a person;
    - `cloud`: anything that runs in a data centre, scans and image proxies included.
    """


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
    owners = _read_owners(folder)
    return Catalogues(read_networks(owners, folder), owners, read_gateways(folder), load_agents(folder))


def _read_owners(folder: Path | None) -> Mapping[str, Owner]:
    owners: dict[str, Owner] = {}
    seen: set[tuple[bool, str]] = set()
    for entry in read_rows("owners.csv", ("owner", "name", "kind"), folder):
        owner = entry["owner"]
        if not ID.fullmatch(owner) or not entry["name"]:
            raise entry.broken("it needs an owner, as words of lower case with hyphens, and a name")
        if (entry.ours, owner) in seen:
            raise entry.broken(f"{owner} stands there twice")
        seen.add((entry.ours, owner))
        owners[owner] = Owner(owner, entry["name"], cast(OwnerKind, entry.one_of("kind", OWNER_KINDS)))
    return owners
