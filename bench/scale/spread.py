"""How far one organization goes whose tables are spread over several accounts: pure functions of what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.scale.measured import Measured
from bench.scale.model import Load, loads, rates_of, read_limits

ACCOUNTS = (1, 2, 3, 4)
"""Numbers of accounts for which docs/scale.md has a row."""

_MANY = 1e9
"""Events a day, at which hits come in company; all loads grow with the events from there on."""


@dataclass(frozen=True, slots=True)
class Spread:
    """One organization's kinds of tables over so many accounts."""

    accounts: tuple[tuple[str, ...], ...]
    """The kinds in each account, the fullest one first."""

    fullest: float
    """The part of the organization's requests that the fullest account takes."""

    events: float
    """Events a day at which the fullest account is full in the busiest hour."""


def shares_of_kinds(measured: Measured) -> dict[str, float]:
    """Return the part of an organization's requests that each kind of tables takes, the largest first."""
    requests = _requests(measured)
    total = sum(requests.values())
    return {kind: requests[kind] / total for kind in sorted(requests, key=lambda kind: -requests[kind])}


def spread_kinds(accounts: int, measured: Measured) -> Spread:
    """Divide the kinds: each one, the largest first, goes to the account that has least."""
    shares = shares_of_kinds(measured)
    parts: list[list[str]] = [[] for _ in range(accounts)]
    for kind in shares:
        min(parts, key=lambda part: sum(shares[each] for each in part)).append(kind)
    parts.sort(key=lambda part: -sum(shares[kind] for kind in part))
    fullest = sum(shares[kind] for kind in parts[0])
    asked = sum(_requests(measured).values()) * fullest
    events = _MANY * read_limits()["account requests"].value / asked
    return Spread(tuple(map(tuple, parts)), fullest, events)


def limits_of_one(measured: Measured) -> list[tuple[Load, float]]:
    """List what else limits one organization that is alone in its deployment, with events a day; the first comes first.

    What more instances, cores or another service of queues mend is not among them.
    """
    own = {"the shared storage account", "a queue of storage", "the feed of one organization", "the due index"}
    found = [(load, _MANY / load.share) for load in loads(_MANY, measured, largest=1.0) if load.name in own]
    return sorted(found, key=lambda each: each[1])


def _requests(measured: Measured) -> Mapping[str, float]:
    """Requests a second in the busiest hour of `_MANY` events a day, by kind."""
    rates = rates_of(_MANY, measured)
    kinds = {*rates.mail.kinds, *rates.hit.kinds}
    return {
        kind: rates.mails * rates.mail.kinds.get(kind, 0) + rates.hits * rates.hit.kinds.get(kind, 0) for kind in kinds
    }
