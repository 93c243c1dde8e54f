"""Acts: what people did with a message first, as lists hold it, so that a list alone tells when people read."""

from __future__ import annotations

from pydantic import BaseModel

from lib.verdicts.assessed import AssessedMessage

_MOST = 6
"""Opens of a message that are kept, and as many other acts."""

_OPENS = ("open", "read_receipt")


class PersonAct(BaseModel):
    """One thing that a person did with a message."""

    kind: str
    """The kind of its fact, such as `open` or `reply`."""

    at: int
    """Milliseconds since 1970."""

    probability: float
    """Probability of a person in tenths, rounded down: rows change with it, and verdicts come a little nearer often."""


def acts_of(assessed: AssessedMessage) -> list[PersonAct] | None:
    """List the first acts of people by time; None where there is none, or where verdicts are not known one by one."""
    if assessed.folded:
        return None
    found = [
        PersonAct(kind=fact.kind, at=fact.at, probability=int(verdict.probability * 10) / 10)
        for fact in sorted(assessed.facts, key=lambda fact: fact.at)
        if (verdict := assessed.verdicts.get(fact.key)) and verdict.kind == "human"
    ]
    opens = [each for each in found if each.kind in _OPENS][:_MOST]
    others = [each for each in found if each.kind not in _OPENS][:_MOST]
    return sorted([*opens, *others], key=lambda each: each.at) or None
