"""Gateway rules: the product that filters the recipient's mail, a prior for all that comes while it scans."""

from __future__ import annotations

from lib.verdicts.circumstances import Circumstances
from lib.verdicts.evidence import Finding
from lib.verdicts.thresholds import DEFAULT
from lib.verdicts.weights import side_of


def gateway(circumstances: Circumstances) -> Finding | None:
    found, passed = circumstances.gateway, circumstances.passed
    if found is None:
        return None
    if found.scans == "none":
        text = f"The recipient's mail is with {found.name}, which follows no links."
        return Finding("gateway-does-not-scan", text)
    if (
        found.scans not in ("all", f"{side_of(circumstances.kind)}s")
        or passed is None
        or passed > DEFAULT.gateway_scans_for
    ):
        return None
    return Finding("gateway-scans", f"The recipient's mail passes {found.name}, which looks into mail as it arrives.")


RULES = (gateway,)
