"""Recipients' wishes about being followed, and the reasons for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lib.languages import enumerated

Preference = Literal["allow", "do_not_allow", "unknown"]

CONSENT = "the address's newest consent"
"""The name of a consent in a statement."""

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Statement:
    """A wish about following mail to an address, and its origin."""

    who: str
    """The origin, as a part of a sentence: `the contact c1`."""
    says: Preference


@dataclass(frozen=True, slots=True)
class Said:
    """All known wishes about following mail to one recipient."""

    email: str
    statements: Sequence[Statement] = ()
    """Statements of the named record, of the records with the address, of their parents, and of the address's newest
    consent. A parent without the address is heard for a no alone."""
    has_too_many: bool = False
    """Whether more records have the address than are asked."""

    @property
    def preference(self) -> Preference:
        """The strictest wish: a no from any side is a no, a yes from any side is a yes where no side says no.

        An address with too many records to ask them all counts as a no, because any of them may have said it.
        """
        said = {each.says for each in self.statements}
        if "do_not_allow" in said or self.has_too_many:
            return "do_not_allow"
        return "allow" if "allow" in said else "unknown"

    @property
    def because(self) -> str:
        """The origin of the preference, in a sentence."""
        preference = self.preference
        sources = [each.who for each in self.statements if each.says == preference]
        if preference == "unknown":
            return "Neither a record nor the address's consents say anything."
        if not sources:
            return "So many records have the address that not all of them can be asked, so it is not followed."
        verb = "says" if len(sources) == 1 else "say"
        text = f"{_named(sources)} {verb} {'yes' if preference == 'allow' else 'no'} to following."
        return text[0].upper() + text[1:]


def _named(names: Sequence[str]) -> str:
    """List names in a sentence; one more than are named is named, too."""
    return enumerated(names, _MOST_NAMED if len(names) > _MOST_NAMED + 1 else None)
