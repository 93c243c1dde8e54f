"""The stops of one organization, as a process has them in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lib.stops.rows import ORGANIZATION, switch_key
from lib.tokens import Claim


@dataclass(frozen=True, slots=True)
class RecordingState:
    """Limits that an organization sets to all recording."""

    is_recording: bool
    """Whether anything is recorded: not where engagement is switched off, or the organization is gone."""

    is_following: bool
    """Whether what recipients do is recorded: not with `tracking` `off`."""

    names_recipients: bool
    """Whether it is recorded who did it: not with `tracking` `aggregate`."""

    needs_consent: bool = False
    """Whether only what recipients who have said yes do is recorded: with `tracking` `consent`. A hit cannot tell: the
    list in memory holds those who have said no, and the assessor asks for the others."""

    @property
    def records_hits(self) -> bool:
        return self.is_recording and self.is_following


RECORDING = RecordingState(True, True, True)


class AddressTimes:
    """Times by short hash of an address: 16 bytes for each, however many there are."""

    __slots__ = ("_keys", "_times")

    def __init__(self, times: Mapping[str, int] | None = None) -> None:
        ordered = sorted((int(address, 16), time) for address, time in (times or {}).items())
        self._keys = array("Q", (key for key, _ in ordered))
        self._times = array("Q", (time for _, time in ordered))

    def __len__(self) -> int:
        return len(self._keys)

    def time_of(self, address: str) -> int | None:
        """The time of the address, in milliseconds since 1970; None where it has none."""
        key = int(address, 16)
        place = bisect_left(self._keys, key)
        return self._times[place] if place < len(self._keys) and self._keys[place] == key else None


@dataclass(frozen=True, slots=True)
class OrganizationStops:
    """Recipients of one organization who are not to be recorded, and its links that are switched off."""

    state: RecordingState = RECORDING
    version: str = ""
    """The version of the rows; another one after every change."""

    stopped: AddressTimes = field(default_factory=AddressTimes)
    """Since when addresses are stopped."""

    erased: AddressTimes = field(default_factory=AddressTimes)
    """Until when what was recorded of addresses is erased."""

    switches: frozenset[str] = frozenset()
    """Keys of the switches that are off."""

    @property
    def is_everything_off(self) -> bool:
        """Whether all links of the organization are switched off."""
        return ORGANIZATION in self.switches

    def is_switched_off(self, message: str, link: int | None = None) -> bool:
        """Whether a link is switched off by itself, with its message, or with all links.

        `link` is None for a pixel, a file or an image.
        """
        if not self.switches:
            return False
        keys = {ORGANIZATION, switch_key(message)}
        return not self.switches.isdisjoint(keys if link is None else {*keys, switch_key(message, link)})

    def is_stopped(self, claim: Claim, link: int | None = None) -> bool:
        """Whether hits on the token are not to be recorded, as far as the token tells."""
        if not self.state.records_hits or self.is_switched_off(claim.message, link):
            return True
        return claim.address is not None and self.stopped.time_of(claim.address) is not None

    def is_kept(self, address: str, at: int) -> bool:
        """Whether what was recorded of an address at a time (milliseconds since 1970) stays: the address is not
        stopped, and what was erased of it is older. `address` is its short hash.
        """
        return self.stopped.time_of(address) is None and at > (self.erased.time_of(address) or -1)


NOTHING_STOPPED = OrganizationStops()


def earliest(times: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the earliest time of each address."""
    found: dict[str, int] = {}
    for address, time in times:
        found[address] = min(time, found.get(address, time))
    return found
