"""Outside hosts: the check that a host which an organization names lies in the public internet.

An organization names hosts that Heed connects to. Without this check it could reach what only Heed can reach: the
cloud's metadata service, databases, other tenants' servers. A name is resolved once, and the connection goes to the
address that was checked, so that the name's owner cannot answer differently the second time. Source: OWASP,
"Server-Side Request Forgery Prevention Cheat Sheet", case 2.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
LONGEST_HOST = 253
"""Characters of a host name (RFC 1035, 2.3.4)."""

_MOST_LOOKUPS = 64

_INSIDE = tuple(
    ip_network(each)
    for each in (
        "168.63.129.16/32",  # Azure's own services, such as its metadata; public by its number alone
        "192.88.99.0/24",  # relays of 6to4
        "::/96",  # IPv4 in IPv6, the old form
        "64:ff9b::/96",  # IPv4 in IPv6, translated (RFC 6052)
        "64:ff9b:1::/48",  # the same for local use (RFC 8215)
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local
    )
)
"""Networks that `ipaddress` calls global although they lead, or may lead, to the inside."""

HostAddress = IPv4Address | IPv6Address


class NotOutside(Exception):
    """A host that Heed does not connect to; the text is a sentence that says why."""


def is_host(text: str) -> bool:
    """Whether the text has the form of a host name (RFC 1123, 2.1) or an IP address."""
    try:
        return bool(ip_address(text))
    except ValueError:
        labels = text.removesuffix(".").split(".")
        return len(text) <= LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels)


def is_outside(address: HostAddress) -> bool:
    """Whether the address lies in the public internet, and can be nothing else."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return is_outside(address.ipv4_mapped)
    if not address.is_global or address.is_multicast:
        return False
    return not any(address in network for network in _INSIDE)


def refuse_inside_name(host: str, *, loopback: bool) -> None:
    """Check a host without asking DNS. Raises NotOutside for an inside address and for the names of this machine."""
    name = host.rstrip(".").lower()
    try:
        address = ip_address(name)
    except ValueError:
        if not loopback and (name == "localhost" or name.endswith(".localhost")):
            raise NotOutside(f"{host} is a name of this machine.") from None
        return
    _refuse_inside(host, address, loopback)


async def resolve_outside(host: str, port: int, *, loopback: bool) -> Sequence[str]:
    """Return the host's addresses, in the resolver's order, after all of them were checked.

    With `loopback`, addresses of this machine are accepted as well. Raises NotOutside where any address lies inside,
    and OSError where the name cannot be resolved.
    """
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_threads(), look_up)
    addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
    for address in addresses:
        _refuse_inside(host, ip_address(address), loopback)
    return addresses


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads for lookups alone: a name whose servers do not answer holds one for half a minute."""
    return ThreadPoolExecutor(_MOST_LOOKUPS, "look-up")


def _refuse_inside(host: str, address: HostAddress, loopback: bool) -> None:
    if not is_outside(address) and not (loopback and address.is_loopback):
        raise NotOutside(f"{host} is no host of the public internet.")
