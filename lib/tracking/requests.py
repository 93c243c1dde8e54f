"""Requests of recipients, and what a fact keeps of one: cleaned headers, and the network in place of the address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from lib.catalogues.networks import Networks, parse_address
from lib.clock import milliseconds
from lib.ids import new_id
from lib.tracking.facts import KEPT_HEADERS, LONGEST_HEADER, SESSION, Fact, HitKind

LONGEST_AGENT = 512
"""Characters of the header `User-Agent` that are kept."""

_KEPT_AS_SENT = frozenset(KEPT_HEADERS) - {"referer"}

_SESSION_COOKIE = re.compile(rf"(?:^|;)[ \t]*(?:__Host-)?{SESSION}=[^;\s]")

_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\ufefe\uff00-\uffef\ufffd]+")
"""Control characters, line separators and marks of direction, and what lies outside of the basic plane."""

_HOST = re.compile(r"[^:/?#]{1,20}://(?:[^/?#\\]*@)?+([0-9A-Za-z_.-]{1,80})(?=[:/?#\\]|\Z)")
"""The host of an address, without user, password and port."""


def new_fact(
    kind: HitKind,
    message: str,
    now: datetime,
    method: str,
    headers: Mapping[str, str],
    *,
    recipient: int | None = None,
    item: int = 0,
    trusted_hops: int,
    networks: Networks | None = None,
) -> Fact:
    """Make the fact of a request that has just come. Names of headers are in lower case; values are cut and cleaned.

    The headers of the fact are shared with other facts, and must not be changed.
    """
    at = milliseconds(now)
    agent = headers.get("user-agent")
    kept = _kept_headers(headers)
    if "cookie" in headers and SESSION in headers["cookie"] and _SESSION_COOKIE.search(headers["cookie"]):
        kept = {**kept, SESSION: "1"}
    address = client_address(headers, trusted_hops)
    return Fact(
        # The key must differ each time and need not be hard to guess: no call of the system for each hit.
        key=f"{at:013d}-{new_id()}",
        message=message,
        kind=kind,
        at=at,
        method=method,
        recipient=recipient,
        item=item,
        agent=None if agent is None else clean(agent, LONGEST_AGENT),
        network=network_of(address),
        owner=None if networks is None or address is None else networks.owner(address),
        headers=kept,
    )


def _kept_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    found = [(name, headers[name][: 2 * LONGEST_HEADER]) for name in headers if name in _KEPT_AS_SENT]
    if "referer" in headers:
        host = _HOST.match(headers["referer"])
        if host:
            found.append(("referer", host[1].lower()))
    return _cleaned_headers(tuple(found))


@lru_cache(maxsize=2048)
def _cleaned_headers(found: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Clean headers; most of them come again with the next hit by the same program."""
    return {name: clean(value, KEPT_HEADERS[name]) for name, value in found}


def asks_for_privacy(headers: Mapping[str, str]) -> bool:
    """Whether the request carries Do Not Track or Global Privacy Control."""
    # Where the mapping is one of Python code, `get` of what is not there costs an exception; `in` does not.
    return ("dnt" in headers and headers["dnt"] == "1") or ("sec-gpc" in headers and headers["sec-gpc"] == "1")


def clean(value: str, longest: int) -> str:
    """The value with at most `longest` printable characters; each run of others becomes one space."""
    return _cleaned(value[: 2 * longest], longest)


@lru_cache(maxsize=2048)
def _cleaned(value: str, longest: int) -> str:
    return _UNPRINTABLE.sub(" ", value)[:longest].strip()


def client_address(headers: Mapping[str, str], trusted_hops: int) -> str | None:
    """The client's address as our own proxies saw it: the entry of `X-Forwarded-For` that the outermost one added.

    Each trusted proxy adds one entry at the right; entries left of ours were written by the client, who may lie.
    """
    if trusted_hops == 0:
        return None
    entries = headers.get("x-forwarded-for", "")[-2048:].split(",")
    if len(entries) < trusted_hops:
        return None
    return _without_port(entries[-trusted_hops].strip()[:64]) or None


def _without_port(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


@lru_cache(maxsize=2048)
def network_of(address: str | None) -> str | None:
    """The network of an address, `192.0.2.0/24` or `2001:db8:1::/48`: all that is kept. None for no address."""
    if address is None:
        return None
    parsed = parse_address(address)
    if parsed is None:
        return None
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))
