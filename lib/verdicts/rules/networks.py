"""Network rules: whose network the request came from."""

from __future__ import annotations

from lib.verdicts.circumstances import Circumstances
from lib.verdicts.evidence import Finding
from lib.verdicts.request import HitRequest
from lib.verdicts.thresholds import DEFAULT


def scanner_network(request: HitRequest) -> Finding | None:
    """Match scanners' networks, from which no person browses."""
    owner = request.owner
    if owner is None or owner.kind != "scanner":
        return None
    return Finding("scanner-network", f"It came from {owner.name}, which scans mail and where nobody reads it.")


def data_centre(request: HitRequest) -> Finding | None:
    """Match listed networks of data centers. Image proxies run there, too; no person's clicks pass through those."""
    owner = request.owner
    if owner is None or not (owner.kind == "cloud" or (owner.kind == "proxy" and request.kind != "open")):
        return None
    return _from_data_centre(request, owner.name)


def _from_data_centre(request: HitRequest, name: str) -> Finding:
    if request.kind == "open" and request.program.is_browser and not request.is_read_in_mail:
        return Finding("browser-in-a-data-centre", f"A browser in {name} loaded the image: no reader sits there.")
    return Finding("data-centre", f"It came from {name}: scanners run there, though people's programs may, too.")


def unlisted_network(request: HitRequest) -> Finding | None:
    """Tell a network that is in no list by the autonomous system that announces it.

    Web gateways and VPNs carry people and machines, and networks of organizations hold both: they tell nothing.
    """
    place = request.place
    if place.kind == "security-vendor":
        text = f"It came from {place.name}, a company that checks mail and links for others."
        return Finding("security-vendor", text)
    if place.kind == "hosting" and place.is_certain:
        return _from_data_centre(request, f"a data centre of {place.name}")
    if place.kind == "hosting":
        text = f"It came from {place.name}, which rents out machines, judging by its name."
        return Finding("probable-data-centre", text)
    if place.kind in ("access", "mobile") and place.is_certain:
        # The sentence outlives the network that the fact came from, so it names no person's carrier.
        return Finding("network-of-people", "It came through a carrier of people's lines or phones.")
    return None


def private_relay(request: HitRequest) -> Finding | None:
    """Match clicks through a relay that people use to hide their address."""
    owner = request.owner
    if owner is None or owner.kind != "relay" or request.kind == "open":
        return None
    return Finding("private-relay", f"It came through {owner.name}, which people browse with.")


def gateway_network(circumstances: Circumstances) -> Finding | None:
    """Match gateways' networks, which scan mail and carry people who browse in isolation: the time decides."""
    name, passed = circumstances.gateway_network, circumstances.passed
    if name is None:
        return None
    if passed is None or passed <= DEFAULT.gateway_scans_for:
        return Finding("gateway-network-soon", f"It came from {name}, which scans mail when it arrives.")
    return Finding(
        "gateway-network-later",
        f"It came from {name}, which scans mail, but also carries the browsing of the people it protects.",
    )


RULES = (scanner_network, data_centre, unlisted_network, private_relay)

TIMED_RULES = (gateway_network,)
