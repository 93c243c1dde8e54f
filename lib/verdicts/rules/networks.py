"""Network rules: whose network the request came from."""

from __future__ import annotations

from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import Scene
from lib.verdicts.rules.browsers import is_browser, is_mail_program


def scanner_network(fact: Fact, scene: Scene) -> Finding | None:
    """Match networks from which no person browses."""
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
    """Match networks of data centers. Image proxies run there, too; no person's clicks pass through those."""
    owner, network = scene.owner(fact), scene.network_class(fact)
    if owner is not None and (owner.kind == "cloud" or (owner.kind == "proxy" and fact.kind != "open")):
        name = owner.name
    elif network is not None and network.kind == "hosting" and network.is_certain:
        name = f"a data centre of {network.name}"
    else:
        return None
    if fact.kind == "open" and fact.agent and is_browser(fact.agent) and not _loads_mail(fact.agent, scene):
        return Finding("browser-in-a-data-centre", f"A browser in {name} loaded the image: nobody sits there.")
    return Finding("data-centre", f"It came from {name}: scanners run there, though people's programs may, too.")


def probable_data_centre(fact: Fact, scene: Scene) -> Finding | None:
    """Match networks in no list whose holder is called like a hoster."""
    network = scene.network_class(fact)
    if network is None or network.kind != "hosting" or network.is_certain:
        return None
    return Finding("probable-data-centre", f"It came from {network.name}, which rents machines, judging by its name.")


def security_vendor(fact: Fact, scene: Scene) -> Finding | None:
    """Match security vendors' own networks that are in no list. Nobody reads mail there but their employees."""
    network = scene.network_class(fact)
    if network is None or network.kind != "security-vendor":
        return None
    return Finding("security-vendor", f"It came from {network.name}, a company that checks mail and links for others.")


def network_of_people(fact: Fact, scene: Scene) -> Finding | None:
    """Match carriers of households and of phones. A scanner that hides may come through them, too."""
    network = scene.network_class(fact)
    if network is None or network.kind not in ("access", "mobile") or not network.is_certain:
        return None
    return Finding("network-of-people", f"It came through {network.name}, by which people are on the Internet.")


def _loads_mail(agent: str, scene: Scene) -> bool:
    agents = scene.catalogues.agents
    return is_mail_program(agent, agents) or agents.image_proxy(agent) is not None


def private_relay(fact: Fact, scene: Scene) -> Finding | None:
    """Match clicks through a relay that people use to hide their address."""
    owner = scene.owner(fact)
    if owner is None or owner.kind != "relay" or fact.kind == "open":
        return None
    return Finding("private-relay", f"It came through {owner.name}, which people browse with.")


RULES = (
    scanner_network,
    gateway_network,
    data_centre,
    probable_data_centre,
    security_vendor,
    network_of_people,
    private_relay,
)
