"""Experience of the organization: how its certain cases came out, measured in `lib.reliability.experience`."""

from __future__ import annotations

from collections.abc import Iterator

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import PatternRule, Scene
from lib.verdicts.weights import side_of


def experience(scene: Scene) -> Iterator[tuple[Fact, Finding]]:
    """Match every fact of a side whose prior moves. No other rule looks at this one: it is about all of that side."""
    for fact in scene.facts:
        side = side_of(fact.kind)
        shift = scene.sending.prior_shift.get(side)
        if shift:
            often = "more" if shift > 0 else "less"
            such = f"In your organization, such {side}s turned out to be people's"
            yield fact, Finding("organization-s-experience", f"{such} {often} often than the other signs say.", shift)


RULES = (PatternRule(experience, "a-shift"),)
