"""The owner of an address is that of the longest prefix around it, however prefixes lie in one another."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.catalogues.networks import Networks, network_bounds, parse_address

AnyNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
AnyAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Table = Mapping[AnyNetwork, str | None]


def networks_of(table: Table) -> Networks:
    prefixes: dict[int, dict[tuple[int, int], str | None]] = {4: {}, 6: {}}
    for network, owner in table.items():
        free = network.max_prefixlen - network.prefixlen
        prefixes[network.version][int(network.network_address), free] = owner
    return Networks(prefixes)


def listed(**owners: Sequence[str]) -> Networks:
    return networks_of({ipaddress.ip_network(cidr): owner for owner, cidrs in owners.items() for cidr in cidrs})


def by_brute_force(table: Table, address: AnyAddress) -> str | None:
    around = [each for each in table if each.version == address.version and address in each]
    return table[max(around, key=lambda each: each.prefixlen)] if around else None


def near(network: AnyNetwork) -> Sequence[AnyAddress]:
    """Its edges, and what lies beside them."""
    first, last = int(network.network_address), int(network.broadcast_address)
    kind = type(network.network_address)
    highest = (1 << network.max_prefixlen) - 1
    return [kind(each) for each in (first, last, max(first - 1, 0), min(last + 1, highest))]


@st.composite
def crowded(draw: st.DrawFn) -> AnyNetwork:
    """Networks mostly in one small space, so that they meet, touch and lie in one another."""
    version = draw(st.sampled_from([4, 4, 4, 6]))
    bits = 32 if version == 4 else 128
    length = draw(st.sampled_from([0, 1, bits - 1, bits]) | st.integers(bits - 4, bits))
    middle = 0xC0000200 << (bits - 32)
    base = draw(st.sampled_from([middle, middle, middle, 0, (1 << bits) - 16]))
    address = (base + draw(st.integers(0, 15))) >> (bits - length) << (bits - length)
    return (ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network)((address, length))


OWNERS = st.sampled_from(["a", "b", "c", None])
WHOLE = ipaddress.ip_network("::/0")


@given(st.dictionaries(crowded(), OWNERS, max_size=12), st.lists(st.ip_addresses(), max_size=3))
@example({WHOLE: "a", ipaddress.ip_network("ffff::/16"): "b"}, [])
def test_an_address_is_the_longest_prefixes(table: Table, anywhere: list[AnyAddress]) -> None:
    networks = networks_of(table)
    for address in [*anywhere, *(each for network in table for each in near(network))]:
        if isinstance(address, ipaddress.IPv6Address) and parse_address(str(address)) != address:
            continue
        assert networks.owner(str(address)) == by_brute_force(table, address)


@given(st.dictionaries(crowded(), OWNERS, max_size=12), crowded())
def test_a_network_is_somebodys_where_all_of_its_addresses_are(table: Table, asked: AnyNetwork) -> None:
    inner = [each for each in table if each.version == asked.version and each.subnet_of(asked)]  # type: ignore[arg-type]
    places = [address for each in [asked, *inner] for address in near(each) if address in asked]
    owners = {by_brute_force(table, address) for address in places}
    assert networks_of(table).owner_of(str(asked)) == (owners.pop() if len(owners) == 1 else None)


def test_without_a_catalogue_nobody_is_known() -> None:
    assert Networks({}).owner("192.0.2.1") is None
    assert Networks({}).owner_of("192.0.2.0/24") is None


@pytest.mark.parametrize(
    "address",
    [
        "192.0.2.1",
        "::ffff:192.0.2.1",
        "::FFFF:c000:201",
        "2002:c000:201::1",
        "2002:c000:2ff:1:2:3:4:5",
        "64:ff9b::192.0.2.1",
    ],
)
def test_an_ipv4_address_is_known_inside_an_ipv6_one(address: str) -> None:
    assert listed(acme=["192.0.2.0/24"]).owner(address) == "acme"


def test_an_ipv6_network_says_nothing_about_an_ipv4_address_inside() -> None:
    assert listed(acme=["2002::/16", "::/64"]).owner("2002:c000:201::1") is None


def test_a_zone_does_not_matter() -> None:
    assert listed(acme=["fe80::/16"]).owner("fe80::1%eth0") == "acme"


@pytest.mark.parametrize("text", ["", "unknown", "_hidden", "192.0.2", "192.0.2.300", "1" * 64, "[::1]", "\x00", "é"])
def test_what_is_no_address_is_nobodys(text: str) -> None:
    assert listed(acme=["0.0.0.0/0", "::/0"]).owner(text) is None


@pytest.mark.parametrize("text", [None, "", "unknown", "192.0.2.0/99"])
def test_what_is_no_network_is_nobodys(text: str | None) -> None:
    assert listed(acme=["0.0.0.0/0", "::/0"]).owner_of(text) is None


def test_a_network_of_two_parts_of_the_same_owner_is_all_of_that_owners() -> None:
    networks = listed(acme=["192.0.2.0/25", "192.0.2.128/25"])
    assert networks.owner_of("192.0.2.0/24") == "acme"


@pytest.mark.parametrize("place", ["192.0.2.0", "192.0.2.77", "192.0.2.255"])
def test_a_network_with_one_address_of_another_is_nobodys(place: str) -> None:
    networks = listed(acme=["192.0.2.0/24"], other=[f"{place}/32"])
    assert networks.owner_of("192.0.2.0/24") is None


def test_a_network_that_is_partly_anothers_is_nobodys() -> None:
    networks = listed(acme=["192.0.2.0/23", "2001:db8::/47"], other=["192.0.2.7/32", "2001:db8:1:8000::/64"])
    assert networks.owner_of("192.0.2.0/24") is None
    assert networks.owner_of("192.0.3.0/24") == "acme"
    assert networks.owner_of("2001:db8::/48") == "acme"
    assert networks.owner_of("2001:db8:1::/48") is None
    assert networks.owner_of("192.0.4.0/24") is None


def test_two_catalogues_do_not_answer_for_each_other() -> None:
    first, second = listed(acme=["192.0.2.0/24"]), listed(other=["192.0.2.0/24"])
    assert [first.owner("192.0.2.1"), second.owner("192.0.2.1"), first.owner("192.0.2.1")] == ["acme", "other", "acme"]


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.77/24",
        "192.0.2.77/28",
        "10.0.0.0/0",
        "192.0.2.1",
        "192.0.2.0/255.255.255.0",
        "2001:db8:1::9/48",
        "fe80::1%eth0/64",
    ],
)
def test_bounds_of_a_network_are_its_first_and_last_address(text: str) -> None:
    network = ipaddress.ip_network(text, strict=False)
    assert network_bounds(text) == (network.version, int(network[0]), int(network[-1]))


@pytest.mark.parametrize(
    "text", ["", "192.0.2.0/33", "192.0.2/24", "300.0.2.0/24", "192.0.2.0/²", "2001:db8::/129", "no/24"]
)
def test_what_is_no_network_has_no_bounds(text: str) -> None:
    assert network_bounds(text) is None
