"""The interface between the benchmark and every judge, ours or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lib.tracking.facts import Fact
from lib.verdicts.context import Sending
from lib.verdicts.evidence import Class
from lib.verdicts.thresholds import DEFAULT


@dataclass(frozen=True, slots=True)
class Decision:
    """A judge's answer about a fact: class, probability of a person, and confidence in the class. Without a confidence
    (None), the probability of the class is used. `reasons` are for human readers.
    """

    kind: Class
    human_probability: float
    confidence: float | None = None
    reasons: tuple[str, ...] = ()

    @property
    def class_confidence(self) -> float:
        if self.confidence is not None:
            return self.confidence
        return self.human_probability if self.kind == "human" else 1 - self.human_probability

    @property
    def alerts(self) -> bool:
        """Whether an open with this decision raises an alert. Rivals are always sure."""
        return self.kind == "human" and self.human_probability >= DEFAULT.alert_from["open"]


Judge = Callable[[Sequence[Fact], Sending], Mapping[str, Decision]]
"""The facts of one message, and how it went out: a decision by the key of each fact."""

PERSON = Decision("human", 1.0)
MACHINE = Decision("machine", 0.0)
