"""The records that a message's recipients were found to be, as they are stored with it when it goes out."""

from __future__ import annotations

from pydantic import BaseModel

from lib.fields import RecordRef
from lib.people.matching import ResolvedBy
from lib.people.recipients import KnownRecipients


class MatchedRecords(BaseModel):
    """The records of recipients for whom the message names none, by recipient number."""

    records: dict[int, RecordRef] = {}
    """The records that were found by address."""
    ambiguous: list[int] = []
    """The recipients whose address several records have."""

    def resolved_by(self, number: int) -> ResolvedBy:
        """Return how the record of a recipient without a given one was found."""
        if number in self.records:
            return "address"
        return "ambiguous" if number in self.ambiguous else "none"


def matched_records(known: KnownRecipients) -> MatchedRecords:
    """Return what is to be stored of the recipients as they are known now."""
    matches = [(number, each.match) for number, each in enumerate(known.recipients)]
    return MatchedRecords(
        records={number: match.record for number, match in matches if match.record and match.resolved_by == "address"},
        ambiguous=[number for number, match in matches if match.resolved_by == "ambiguous"],
    )
