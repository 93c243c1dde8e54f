"""The catalogues that the hot path and the judge look into, read together, so that a broken row stops the start."""

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
    """Who has networks. `name` stands in sentences. What comes from there is, by `kind`:

    - `scanner`: a machine's, opens and clicks;
    - `gateway`: a scan soon after delivery; later perhaps a person's, through the product's browser isolation;
    - `relay`: many people's, and of opens machines' as well; a click is a person's;
    - `proxy`: images fetched for people;
    - `cloud`: anything that runs in a data centre, scans and image proxies among it.
    """

    owner: str
    name: str
    kind: OwnerKind


@dataclass(frozen=True, slots=True)
class Catalogues:
    """`owners` by the ids that `networks` gives."""

    networks: Networks
    owners: Mapping[str, Owner]
    gateways: Gateways
    agents: Agents


def load_catalogues(folder: Path | None = None) -> Catalogues:
    """Ours, with what a deployment's folder adds and corrects. Raises BrokenCatalogue."""
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
