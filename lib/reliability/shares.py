"""Shares of messages in an organization's reliability: sums of certain cases that can be added and taken away.

Pure functions. A sum holds numbers alone: no message, and no address. Whole numbers keep sums exact in every order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from pydantic import BaseModel

from lib.storage.ledger import LedgerShare
from lib.verdicts.certainty import Case, CaseSlot, Evidence
from lib.verdicts.kpis import Kpis
from lib.verdicts.tallies import Cases
from lib.verdicts.weights import Side

BINS = 10
"""Bins of probability: 0 to 0.1, and so on to 1."""

_SAMPLED = ("0", "1")
"""First digits of the ids of sampled messages, one in eight: who looks at mail is estimated from these, because a share
for every message would cost reads and writes for each."""

BUCKETS = 64
"""Buckets into which recipients fall by the hash of their address. So many buckets with a case are at least so many
recipients, and no bucket tells who."""


class CaseKey(NamedTuple):
    """The kind of a case.

    `user` and `day` (`2026-05-04`, in UTC) are set where nothing but a user's word makes it one.
    """

    slot: CaseSlot
    bin: int
    evidence: Evidence
    user: str = ""
    day: str = ""

    @property
    def side(self) -> Side:
        return "open" if self.slot in ("open_person", "open_machine") else "click"

    @property
    def is_person(self) -> bool:
        return self.slot in ("open_person", "click_person")

    def text(self) -> str:
        """Write the key as a text; ids of users hold no bar."""
        return f"{self.slot}|{self.bin}|{self.evidence}|{self.user}|{self.day}"

    @staticmethod
    def read(text: str) -> CaseKey:
        """Read what `text` has written."""
        slot, place, evidence, user, day = text.split("|")
        return CaseKey(cast(CaseSlot, slot), int(place), cast(Evidence, evidence), user, day)


class ReliabilityTally(BaseModel):
    """Certain cases, counted. Entries that are zero are left out."""

    counts: dict[str, int] = {}
    """Number of cases by the text of their `CaseKey`."""

    said: dict[str, int] = {}
    """Sum of what was said before of these cases, in thousandths, by the same."""

    recipients: dict[str, int] = {}
    """Number of cases by side and bucket of the recipient, `open|17`, without machines that name themselves."""

    looks: dict[str, int] = {}
    """Number of sampled messages by side and by who looked at them, as the judge sees it: `open|people`,
    `open|machines`."""

    def plus(self, other: ReliabilityTally) -> ReliabilityTally:
        """Add two tallies."""
        return self._with(other, 1)

    def minus(self, other: ReliabilityTally) -> ReliabilityTally:
        """Take a tally away that was added before."""
        return self._with(other, -1)

    def _with(self, other: ReliabilityTally, sign: int) -> ReliabilityTally:
        return ReliabilityTally(
            counts=_added(self.counts, other.counts, sign),
            said=_added(self.said, other.said, sign),
            recipients=_added(self.recipients, other.recipients, sign),
            looks=_added(self.looks, other.looks, sign),
        )


class ReliabilityShare(LedgerShare):
    """A row: what one message gives."""

    tally: ReliabilityTally = ReliabilityTally()


def total(tallies: Iterable[ReliabilityTally]) -> ReliabilityTally:
    """Add up tallies."""
    found = ReliabilityTally()
    for each in tallies:
        found = found.plus(each)
    return found


def tally_of(
    message: str, cases: Cases, kpis: Kpis, buckets: Mapping[int, int], words: Mapping[str, tuple[str, str]]
) -> ReliabilityTally:
    """Count what one message gives.

    `buckets` are those of the recipients, by number; `words` are the user and the day of the word that makes a case, by
    fact key. A case by a word whose user and day are forgotten does not count.
    """
    counts, said, recipients = Counter[str](), Counter[str](), Counter[str]()
    for number, slots in cases.items():
        for slot, case in slots.items():
            key = _key_of(slot, case, words)
            if key is not None and number in buckets:
                counts[key.text()] += 1
                said[key.text()] += case.said
                if case.evidence != "declared":
                    recipients[f"{key.side}|{buckets[number]}"] += 1
    return ReliabilityTally(
        counts=_sorted(counts), said=_sorted(said), recipients=_sorted(recipients), looks=_looks(message, kpis)
    )


def _key_of(slot: CaseSlot, case: Case, words: Mapping[str, tuple[str, str]]) -> CaseKey | None:
    place = min(case.said * BINS // 1000, BINS - 1)
    if case.evidence != "feedback":
        return CaseKey(slot, place, case.evidence)
    return CaseKey(slot, place, case.evidence, *words[case.key]) if case.key in words else None


def _looks(message: str, kpis: Kpis) -> dict[str, int]:
    """Tell of a sampled message by whom it was opened, and by whom its links and files were."""
    if not message.startswith(_SAMPLED):
        return {}
    seen = {
        "open|people": kpis.opens,
        "open|machines": kpis.machine.opens,
        "click|people": kpis.clicks + kpis.attachment_views,
        "click|machines": kpis.machine.clicks + kpis.machine.attachment_views,
    }
    return _sorted({name: 1 for name, number in seen.items() if number})


def _added(some: Mapping[str, int], others: Mapping[str, int], sign: int) -> dict[str, int]:
    found = dict(some)
    for name, number in others.items():
        found[name] = found.get(name, 0) + sign * number
    return _sorted(found)


def _sorted(numbers: Mapping[str, int]) -> dict[str, int]:
    """Return the entries that are not zero, in an order that does not depend on that in which they were added."""
    return {name: number for name, number in sorted(numbers.items()) if number}
