"""Forwards: whether another person has probably read a recipient's copy, too. An inference of its own, and a cautious
one: one person has a phone, a desk and a train, so that a second device says little. It never says who.

What speaks for a second reader, from the weakest to the strongest: a third device at a third network; another language;
two devices at two networks within a minute; another mail service than the recipient's.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations

from pydantic import BaseModel

from lib.catalogues.devices import device_of, image_proxy
from lib.tracking.facts import Fact
from lib.verdicts.evidence import Verdict
from lib.verdicts.thresholds import MINUTE

SAID_FROM = 0.6
"""Confidence below which nothing is said."""

_PRIOR = -3.0
_OTHER_SERVICE = 2.6
_AT_ONCE = 1.6
_OTHER_LANGUAGE = 1.2
_MORE_DEVICES = 0.8
_MOST_READERS = 20


class Reader(BaseModel):
    """One device at one network that read a copy: `times` are the first and the last, in milliseconds since 1970."""

    recipient: int
    device: str
    service: str = ""
    network: str = ""
    language: str = ""
    times: tuple[int, int]


class OtherReader(BaseModel):
    """A recipient's copy was probably read by someone else, too."""

    recipient: int
    confidence: float
    because: list[str]


def readers(facts: Iterable[Fact], verdicts: Mapping[str, Verdict], before: Iterable[Reader] = ()) -> list[Reader]:
    """Find readers, as far as devices tell them apart; added to those found `before`."""
    found = {_identity(reader): reader for reader in before}
    for fact in facts:
        if not fact.is_hit or fact.recipient is None or verdicts[fact.key].kind != "human":
            continue
        seen = _reader(fact, fact.recipient)
        known = found.get(_identity(seen))
        if known is not None:
            times = min(known.times[0], fact.at), max(known.times[1], fact.at)
            found[_identity(seen)] = seen.model_copy(update={"times": times})
        else:
            found[_identity(seen)] = seen
    return sorted(found.values(), key=lambda reader: (reader.times[0], *_identity(reader)))[:_MOST_READERS]


def other_readers(all_readers: Iterable[Reader]) -> list[OtherReader]:
    """By recipient; only where it is likely."""
    by_recipient: dict[int, list[Reader]] = defaultdict(list)
    for reader in all_readers:
        by_recipient[reader.recipient].append(reader)
    found = (_inference(recipient, its_readers) for recipient, its_readers in sorted(by_recipient.items()))
    return [each for each in found if each is not None]


def _inference(recipient: int, its_readers: list[Reader]) -> OtherReader | None:
    odds, because = _PRIOR, []
    if len({reader.service for reader in its_readers if reader.service}) > 1:
        odds += _OTHER_SERVICE
        because.append("It was opened through two different mail services.")
    if any(_at_once(one, other) for one, other in combinations(its_readers, 2)):
        odds += _AT_ONCE
        because.append("Two devices at two places read it within a minute.")
    if len({reader.language for reader in its_readers if reader.language}) > 1:
        odds += _OTHER_LANGUAGE
        because.append("The devices that read it are set to different languages.")
    places = len({(reader.device, reader.network) for reader in its_readers if reader.network})
    if places > 2:
        odds += _MORE_DEVICES * min(places - 2, 3)
        because.append(f"It was read on {places} devices at different places.")
    confidence = round(1 / (1 + math.exp(-odds)), 2)
    return OtherReader(recipient=recipient, confidence=confidence, because=because) if confidence >= SAID_FROM else None


def _at_once(one: Reader, other: Reader) -> bool:
    apart = one.device != other.device and one.network and other.network and one.network != other.network
    gap = min(abs(first - second) for first in one.times for second in other.times)
    return bool(apart) and gap <= MINUTE


def _reader(fact: Fact, recipient: int) -> Reader:
    """An image proxy hides device and network, but says which mail service."""
    service = image_proxy(fact.agent or "") or ""
    device = device_of(fact.agent)
    language = fact.headers.get("accept-language", "").partition(",")[0].partition("-")[0].strip().lower()
    return Reader(
        recipient=recipient,
        device="" if service else f"{device['os']} {device['client']}",
        service=service,
        network="" if service else fact.network or "",
        language=language,
        times=(fact.at, fact.at),
    )


def _identity(reader: Reader) -> tuple[object, ...]:
    return reader.recipient, reader.device, reader.service, reader.network, reader.language
