"""Gateway rules: the product that filters the recipient's mail, a prior for all that comes while it scans."""

from __future__ import annotations

from functools import lru_cache

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import FactRule, Scene
from lib.verdicts.weights import side_of


def gateway(fact: Fact, scene: Scene) -> Finding | None:
    found = scene.gateway(fact)
    if found is None:
        return None
    if found.scans == "none":
        return _does_not_scan(found.name)
    passed = scene.since_dispatch(fact)
    if (
        found.scans not in ("all", f"{side_of(fact.kind)}s")
        or passed is None
        or passed > scene.thresholds.gateway_scans_for
    ):
        return None
    return _scans(found.name)


@lru_cache(maxsize=256)
def _does_not_scan(name: str) -> Finding:
    return Finding("gateway-does-not-scan", f"The recipient's mail is with {name}, which follows no links.")


@lru_cache(maxsize=256)
def _scans(name: str) -> Finding:
    return Finding("gateway-scans", f"The recipient's mail passes {name}, which looks into mail as it arrives.")


RULES = (FactRule(gateway, "a-gateway"),)
