"""Network rules: whose network the request came from."""

from __future__ import annotations

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import Scene
from lib.verdicts.rules.browsers import is_browser, is_mail_program


def scanner_network(fact: Fact, scene: Scene) -> Finding | None:
    """Match scanners' networks, from which no person browses."""
    owner = scene.owner(fact)
    if owner is None or owner.kind != "scanner":
        return None
    return Finding("scanner-network", f"It came from {owner.name}, which scans mail and where nobody reads it.")


def gateway_network(fact: Fact, scene: Scene) -> Finding | None:
    """Match gateways' networks, which scan mail and carry people who browse in isolation: the time decides."""
    owner = scene.owner(fact)
    if owner is None or owner.kind != "gateway":
        return None
    passed = scene.since_dispatch(fact)
    if passed is None or passed <= scene.thresholds.gateway_scans_for:
        return Finding("gateway-network-soon", f"It came from {owner.name}, which scans mail when it arrives.")
    return Finding(
        "gateway-network-later",
        f"It came from {owner.name}, which scans mail, but also carries the browsing of the people it protects.",
    )


def data_centre(fact: Fact, scene: Scene) -> Finding | None:
    """Match listed networks of data centers. Image proxies run there, too; no person's clicks pass through those."""
    owner = scene.owner(fact)
    if owner is None or not (owner.kind == "cloud" or (owner.kind == "proxy" and fact.kind != "open")):
        return None
    return _from_data_centre(fact, owner.name, scene)


def _from_data_centre(fact: Fact, name: str, scene: Scene) -> Finding:
    if fact.kind == "open" and fact.agent and is_browser(fact.agent) and not _loads_mail(fact.agent, scene):
        return Finding("browser-in-a-data-centre", f"A browser in {name} loaded the image: no reader sits there.")
    return Finding("data-centre", f"It came from {name}: scanners run there, though people's programs may, too.")


def unlisted_network(fact: Fact, scene: Scene) -> Finding | None:
    """Tell a network that is in no list by the autonomous system that announces it.

    Web gateways and VPNs carry people and machines, and networks of organizations hold both: they tell nothing.
    """
    network = scene.network_class(fact)
    if network is None:
        return None
    name = network.name
    if network.kind == "security-vendor":
        return Finding("security-vendor", f"It came from {name}, a company that checks mail and links for others.")
    if network.kind == "hosting" and network.is_certain:
        return _from_data_centre(fact, f"a data centre of {name}", scene)
    if network.kind == "hosting":
        return Finding("probable-data-centre", f"It came from {name}, which rents out machines, judging by its name.")
    if network.kind in ("access", "mobile") and network.is_certain:
        # The sentence outlives the network that the fact came from, so it names no person's carrier.
        return Finding("network-of-people", "It came through a carrier of people's lines or phones.")
    return None


def _loads_mail(agent: str, scene: Scene) -> bool:
    agents = scene.catalogues.agents
    return is_mail_program(agent, agents) or agents.image_proxy(agent) is not None


def private_relay(fact: Fact, scene: Scene) -> Finding | None:
    """Match clicks through a relay that people use to hide their address."""
    owner = scene.owner(fact)
    if owner is None or owner.kind != "relay" or fact.kind == "open":
        return None
    return Finding("private-relay", f"It came through {owner.name}, which people browse with.")


RULES = (scanner_network, gateway_network, data_centre, unlisted_network, private_relay)
