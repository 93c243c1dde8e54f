"""The catalogue `owners.csv`, and the networks of these owners: all of the catalogues that a hit is looked up in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

from lib.catalogues.csv_rows import read_rows
from lib.catalogues.gateways import ID
from lib.catalogues.networks import Networks, read_networks

OwnerKind = Literal["scanner", "gateway", "relay", "proxy", "cloud", "web-gateway"]
OWNER_KINDS: tuple[OwnerKind, ...] = ("scanner", "gateway", "relay", "proxy", "cloud", "web-gateway")


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
    - `cloud`: anything that runs in a data centre, scans and image proxies included;
    - `web-gateway`: people whose company sends their browsing through a security service. It tells nothing.
    """


@cache
def load_owners(folder: Path | None) -> tuple[Mapping[str, Owner], Networks]:
    """Read owners by their ids, and their networks. Raises BrokenCatalogue.

    A process reads each folder once: the parts of an app share the result.
    """
    owners = _read_owners(folder)
    return owners, read_networks(owners, folder)


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
