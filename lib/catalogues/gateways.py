"""The catalogue `gateways.csv`: products that filter mail, by the names of a domain's mail servers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, cast

from lib.catalogues.csv_rows import read_rows

Scans = Literal["none", "opens", "clicks", "all"]
SCANS: tuple[Scans, ...] = ("none", "opens", "clicks", "all")

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class Gateway(NamedTuple):
    """A product that filters mail."""

    gateway: str
    """The id."""
    name: str
    """The name in sentences."""
    scans: Scans
    """The events that the product makes by itself."""


class Gateways(Mapping[str, Gateway]):
    """Every product, by its id."""

    def __init__(self, by_suffix: Mapping[str, Gateway]) -> None:
        self._by_suffix = by_suffix
        self._by_id = {each.gateway: each for each in by_suffix.values()}

    def __getitem__(self, gateway: str) -> Gateway:
        return self._by_id[gateway]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def gateway_of(self, mx_hosts: Iterable[str]) -> str | None:
        """The id of the product that runs these mail servers, most preferred first: the first known one decides."""
        for host in mx_hosts:
            labels = host.lower().removesuffix(".").split(".")
            # The whole name comes first, so that the longest suffix is found first.
            for start in range(len(labels)):
                found = self._by_suffix.get(".".join(labels[start:]))
                if found is not None:
                    return found.gateway
        return None


def read_gateways(folder: Path | None = None) -> Gateways:
    """Read our rows, then those of a deployment's folder. Raises BrokenCatalogue."""
    by_suffix: dict[str, Gateway] = {}
    of_file: dict[tuple[bool, str], Gateway] = {}
    seen: set[tuple[bool, str]] = set()
    for entry in read_rows("gateways.csv", ("mx_suffix", "gateway", "name", "scans"), folder):
        suffix, gateway = entry["mx_suffix"], entry["gateway"]
        if not _HOST.fullmatch(suffix):
            raise entry.broken(f"mx_suffix is {suffix!r}: write a host's last labels in lower case, like mimecast.com")
        if (entry.ours, suffix) in seen:
            raise entry.broken(f"{suffix} stands there twice")
        if not ID.fullmatch(gateway) or not entry["name"]:
            raise entry.broken("it needs a gateway, as words of lower case with hyphens, and a name")
        row = Gateway(gateway, entry["name"], cast(Scans, entry.one_of("scans", SCANS)))
        if of_file.setdefault((entry.ours, gateway), row) != row:
            raise entry.broken(f"{gateway} has another name, or scans other things, in a row before")
        seen.add((entry.ours, suffix))
        by_suffix[suffix] = row
    # A deployment's row about a product changes our rows about it, too.
    theirs = {gateway: row for (ours, gateway), row in of_file.items() if not ours}
    return Gateways({suffix: theirs.get(row.gateway, row) for suffix, row in by_suffix.items()})
