"""Experience of the organization: how its certain cases came out, measured in `lib.reliability.experience`."""

from __future__ import annotations

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import Scene
from lib.verdicts.weights import side_of


def experience(fact: Fact, scene: Scene) -> Finding | None:
    side = side_of(fact.kind)
    shift = scene.sending.prior_shift.get(side)
    if not shift:
        return None
    often = "more" if shift > 0 else "less"
    text = f"In your organization, such {side}s turned out to be people's {often} often than the other signs say."
    return Finding("organization-s-experience", text, shift)


RULES = (experience,)
