"""Scenarios of a sent mail, a module for each family, with their frequencies: the mixture."""

from __future__ import annotations

from collections.abc import Callable

from bench.traces.draft import Draft
from bench.traces.scenarios import apple, gateways, microsoft, offices, readers, robots, webmail

Scenario = Callable[[Draft], None]

FAMILIES = (microsoft, gateways, apple, webmail, readers, offices, robots)

SCENARIOS: dict[str, tuple[Scenario, float]] = {
    name: (scenario, weight) for family in FAMILIES for name, (scenario, weight) in family.SCENARIOS.items()
}
"""By name: what makes a trace of it, and its weight in the mixture.

The weights are assumed, within what is counted: Microsoft before two mailboxes of five and Google before one of five
(spamresource, 2024); of clicks at companies, machines make 10 to 30 % (live-direct-marketing) or 30 to 60 %
(bulkmailverifier), and here 70 %; Gmail's prefetch is 1 to 6 % of Gmail's opens (SparkPost). What is hard to
judge is there more often than in the field, so that its figures mean something.
"""
