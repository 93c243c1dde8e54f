"""Matching of recipients to records: which of the records with an address is the recipient. Pure functions.

The rules, in this order; the first one that leaves a single record decides, and one that leaves several hands these on:

1. the record that the message names for the recipient;
2. the only record with the address;
3. the record that the message is regarding, or one tied to it by `parent`: one stands above the other, or, where no
   record is tied so closely, both have a parent in common;
4. a record whose owner is the sender;
5. the only contact; without a contact, the only account; without either, the only lead (`RECORD_ORDER`).

If several are left, the recipient is ambiguous, and linked to no record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from lib.fields import RecordRef
from lib.people.families import Families
from lib.people.records import StoredRecord, name_of, record_of

ResolvedBy = Literal["given", "address", "ambiguous", "none"]
"""`given`: the message names the record. `address`: it is the record with the address. `ambiguous`: several records
have the address, and no rule tells which one it is. `none`: no record has it."""

RECORD_ORDER = ("contact", "account", "lead")
"""The types of records, in the order in which the only one of its type is taken for the recipient."""


@dataclass(frozen=True, slots=True)
class RecordMatch:
    """The record that a recipient is, or the records that the recipient may be."""

    resolved_by: ResolvedBy
    record: RecordRef | None = None
    """The recipient's record; None where it is ambiguous or there is none. A given one need not exist."""
    possible: Sequence[StoredRecord] = ()
    """The record itself, or those that are left where it is ambiguous."""

    @property
    def candidates(self) -> list[RecordRef]:
        """The records among which no rule decides; empty unless the recipient is ambiguous."""
        return [each.ref() for each in self.possible] if self.resolved_by == "ambiguous" else []


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Facts about a message that tell its recipients' records apart."""

    sender: str
    """The id of the sending user."""
    regarding: RecordRef | None
    families: Families
    """The records with the addresses, and the one that the message is regarding, with their parents."""
    record_order: Sequence[str] = RECORD_ORDER


def match_given(given: RecordRef, families: Families) -> RecordMatch:
    """Take the record that the message names, or the one into which it was merged."""
    name = families.standing(name_of(given))
    record = families.record(name)
    return RecordMatch("given", record_of(name), (record,) if record else ())


def match_address(found: Sequence[StoredRecord], has_more: bool, circumstances: Circumstances) -> RecordMatch:
    """Find the recipient among the records with the address. `has_more`: there are more than those that were found."""
    if not found:
        return RecordMatch("none")
    if has_more:
        return RecordMatch("ambiguous", possible=found)
    left = found
    for rule in _RULES:
        kept = rule(left, circumstances)
        left = kept or left
        if len(left) == 1:
            return _matched(left[0])
    for record_type in circumstances.record_order:
        of_type = [each for each in left if each.type == record_type]
        if len(of_type) == 1:
            return _matched(of_type[0])
        if of_type:
            break
    return RecordMatch("ambiguous", possible=left)


def _matched(record: StoredRecord) -> RecordMatch:
    return RecordMatch("address", record.ref(), (record,))


_MatchRule = Callable[[Sequence[StoredRecord], Circumstances], list[StoredRecord]]


def _in_line_with_regarding(records: Sequence[StoredRecord], circumstances: Circumstances) -> list[StoredRecord]:
    """Keep the record that the message is regarding, the records above it, and those below it."""
    if circumstances.regarding is None:
        return []
    families = circumstances.families
    regarding = families.standing(name_of(circumstances.regarding))
    line = {regarding, *families.parents_above(regarding)}
    return [each for each in records if name_of(each) in line or regarding in families.parents_above(name_of(each))]


def _related_to_regarding(records: Sequence[StoredRecord], circumstances: Circumstances) -> list[StoredRecord]:
    """Keep records that have a parent in common with the record that the message is regarding."""
    if circumstances.regarding is None:
        return []
    above = {*circumstances.families.parents_above(name_of(circumstances.regarding))}
    return [each for each in records if above.intersection(circumstances.families.parents_above(name_of(each)))]


def _tied_to_regarding(records: Sequence[StoredRecord], circumstances: Circumstances) -> list[StoredRecord]:
    return _in_line_with_regarding(records, circumstances) or _related_to_regarding(records, circumstances)


def _owned_by_sender(records: Sequence[StoredRecord], circumstances: Circumstances) -> list[StoredRecord]:
    return [each for each in records if each.owner == circumstances.sender]


_RULES: Sequence[_MatchRule] = (_tied_to_regarding, _owned_by_sender)
