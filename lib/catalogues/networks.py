"""The catalogue `networks.csv`: owners of networks. The longest prefix that covers an address decides.

The hot path looks addresses up, and a cold start reads thousands of prefixes. They are flattened into ranges that do
not overlap, so that a look-up is one binary search, and a prefix costs some hundred bytes.
"""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from lib.catalogues.csv_rows import Entry, read_rows

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Prefix = tuple[int, int]
"""A network's first address, and the number of its host bits."""

_BITS = {4: 32, 6: 128}
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


_TRANSLATED = ipaddress.IPv6Address("64:ff9b::").packed[:12]
"""The first 96 bits of an IPv4 address as an IPv6 one (RFC 6052, 2.1)."""


def parse_address(text: str) -> IpAddress | None:
    """Parse an address; None if it is none. An IPv4 address inside an IPv6 one (mapped, 6to4, translated) is extracted.

    A server that has IPv6 alone sees all clients with IPv4 as translated ones (RFC 6052, RFC 7755): one network of them
    would be one place.
    """
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.packed.startswith(_TRANSLATED):
            return ipaddress.IPv4Address(parsed.packed[-4:])
        # The first 48 bits of a 6to4 address hold a whole IPv4 address.
        return parsed.ipv4_mapped or parsed.sixtofour or parsed
    return parsed


@lru_cache(maxsize=4096)
def network_bounds(text: str) -> tuple[int, int, int] | None:
    """Parse a network or an address into IP version, first and last address. None if it is none."""
    address, _, length = text.partition("/")
    version = 6 if ":" in address else 4
    try:
        # By hand, as `ipaddress` takes ten times as long.
        if length.isascii() and length.isdigit() and len(length) <= 3 and (free := _BITS[version] - int(length)) >= 0:
            first = int.from_bytes(socket.inet_pton(_FAMILIES[version], address), "big") >> free << free
            return version, first, first + (1 << free) - 1
    except (OSError, ValueError):
        pass
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return network.version, int(network.network_address), int(network.broadcast_address)


class Ranges:
    """The prefixes of one IP version, flattened: addresses at which another owner begins, None for no known owner."""

    def __init__(self, prefixes: Mapping[Prefix, str | None]) -> None:
        self._starts: list[int] = [0]
        self._owners: list[str | None] = [None]
        inside: list[tuple[int, str | None]] = [(1 << 130, None)]
        # Wider ones first: of two prefixes one lies within the other, or they have nothing in common.
        for first, free in sorted(prefixes, key=lambda prefix: (prefix[0], -prefix[1])):
            self._leave(inside, first)
            owner = prefixes[first, free]
            self._begin(first, owner)
            inside.append((first + (1 << free), owner))
        self._leave(inside, 1 << 129)

    def _leave(self, inside: list[tuple[int, str | None]], until: int) -> None:
        while inside[-1][0] <= until:
            after, _ = inside.pop()
            self._begin(after, inside[-1][1])

    def _begin(self, start: int, owner: str | None) -> None:
        if self._starts[-1] == start:
            self._starts.pop()
            self._owners.pop()
        if not self._owners or self._owners[-1] != owner:
            self._starts.append(start)
            self._owners.append(owner)

    def owner(self, first: int, last: int) -> str | None:
        """The owner of all addresses from `first` to `last`; None if they have several or none."""
        place = bisect_right(self._starts, first)
        if place < len(self._starts) and self._starts[place] <= last:
            return None
        return self._owners[place - 1]


class Networks:
    """Owners of networks, for look-ups."""

    owner: Callable[[str], str | None]
    """Gives the owner's id for an uncut address (IPv4 or IPv6, as text), or None."""

    def __init__(self, prefixes: Mapping[int, Mapping[Prefix, str | None]]) -> None:
        """Take prefixes by IP version."""
        self._ranges = {version: Ranges(prefixes.get(version, {})) for version in _BITS}
        # A cache for this object alone, and not behind a method: a hit pays for one look into it.
        self.owner = lru_cache(maxsize=2048)(self._owner)

    def _owner(self, address: str) -> str | None:
        parsed = parse_address(address)
        return None if parsed is None else self._ranges[parsed.version].owner(int(parsed), int(parsed))

    def owner_of(self, network: str | None) -> str | None:
        """The owner of a whole `192.0.2.0/24` or `2001:db8:1::/48`; None if it has several owners or none."""
        bounds = network_bounds(network or "")
        return None if bounds is None else self._ranges[bounds[0]].owner(*bounds[1:])


def read_networks(owners: Iterable[str], folder: Path | None = None) -> Networks:
    """Read our rows, then those of a deployment's folder. A row without an owner removes a network.

    Raises BrokenCatalogue.
    """
    known = {"", *owners}
    prefixes: dict[int, dict[Prefix, str | None]] = {version: {} for version in _BITS}
    seen: dict[tuple[int, Prefix, bool], Entry] = {}
    for entry in read_rows("networks.csv", ("cidr", "owner"), folder):
        version, prefix = _prefix(entry)
        owner = entry["owner"]
        if owner not in known:
            raise entry.broken(f"owner is {owner!r}, and owners.csv does not have it")
        before = seen.setdefault((version, prefix, entry.ours), entry)
        if before is not entry:
            raise entry.broken(f"{entry['cidr']} stands there twice; before, in {before.place}")
        prefixes[version][prefix] = owner or None
    return Networks(prefixes)


def _prefix(entry: Entry) -> tuple[int, Prefix]:
    """Parse the row's prefix by hand, as `ipaddress` takes ten times as long. Raises BrokenCatalogue."""
    cidr = entry["cidr"]
    address, _, length = cidr.partition("/")
    version = 6 if ":" in address else 4
    try:
        first = int.from_bytes(socket.inet_pton(_FAMILIES[version], address), "big")
    except (OSError, ValueError):
        raise entry.broken(f"{cidr!r} is no network: write 192.0.2.0/24 or 2001:db8::/32") from None
    if not (length.isascii() and length.isdigit()) or int(length) > _BITS[version]:
        raise entry.broken(f"{cidr!r} is no network: it needs a length, at most /{_BITS[version]}")
    free = _BITS[version] - int(length)
    if first & ((1 << free) - 1):
        raise entry.broken(f"{cidr} has bits of a host: write {ipaddress.ip_network(cidr, strict=False)}")
    return version, (first, free)
