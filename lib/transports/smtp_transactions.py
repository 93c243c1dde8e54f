"""The transactions of one mail to many recipients, and the outcome of them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib.transports.protocol import Accepted, Outcome, RecipientRefusal, Refused, Unknown
from lib.transports.smtp_answers import recipient_refused

_NOT_REACHED = Refused(True, "connection", "The mail server broke off before it was the recipient's turn.")


@dataclass(frozen=True, slots=True)
class Transaction:
    """The outcome of one transaction; the address of each of its recipients is in one of the fields."""

    accepted: tuple[str, ...] = ()
    refused: tuple[RecipientRefusal, ...] = ()
    unknown: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Recipients who have not got the mail, for no reason of their own."""
    broken: bool = False
    """Whether the server broke off over one recipient, who is refused for now; the others may fare better without."""
    end: Refused | Unknown | None = None
    """Why no further transaction should follow: the reason for `left` if Refused, for `unknown` if Unknown."""


def outcome_of(transactions: Sequence[Transaction], left: Sequence[str]) -> Outcome:
    """Return the outcome for the whole mail. `left`: recipients who were left, or whose turn did not come."""
    accepted = [address for transaction in transactions for address in transaction.accepted]
    refusals = tuple(refusal for transaction in transactions for refusal in transaction.refused)
    end = transactions[-1].end if transactions else Refused(False, "recipients", "The mail has no recipients.")
    if isinstance(end, Refused) and not accepted:
        return Refused(end.temporary, end.code, end.text, recipients=refusals)
    reason = end if isinstance(end, Refused) else _NOT_REACHED
    refusals += tuple(recipient_refused(address, reason) for address in left)
    unknown = tuple(address for transaction in transactions for address in transaction.unknown)
    if accepted:
        return Accepted(refused=refusals, unknown=unknown)
    if isinstance(end, Unknown):
        return Unknown(end.text, end.code, end.ask_again, refused=refusals)
    # One that may be taken later makes the whole worth another try.
    first = min(refusals, key=lambda refusal: (not refusal.temporary, refusal.code))
    return Refused(first.temporary, first.code, first.text, recipients=refusals)
