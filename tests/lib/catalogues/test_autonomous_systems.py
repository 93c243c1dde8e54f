"""Networks are classed by the autonomous system that announces them; the catalogues' own rows come first."""

from __future__ import annotations

import csv
import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lib.catalogues
from bench.traces.addresses import BLOCKS
from infra.catalogues.autonomous_systems import Span, block_starts, countries_of, make_table
from lib.catalogues.autonomous_systems import AutonomousSystems, NetworkKind, kind_by_words
from lib.catalogues.csv_rows import BrokenCatalogue
from lib.catalogues.registry import load_catalogues
from lib.tracking.requests import network_of

CATALOGUES = load_catalogues()
OURS = Path(lib.catalogues.__file__).with_name("autonomous_systems.csv")

ALLOWED: dict[str, set[NetworkKind]] = {
    "microsoft-protection": {"security-vendor"},
    "azure": {"hosting"},
    "exchange-online": {"hosting"},
    "barracuda": {"security-vendor", "hosting"},
    "proofpoint": {"security-vendor"},
    "mimecast": {"security-vendor"},
    "cisco": {"security-vendor"},
    "apple-relay": {"vpn"},
    "google-proxy": {"hosting"},
    "yahoo-proxy": set(),
    "cloud": {"hosting"},
    "web-gateway": {"web-gateway"},
    "small-hoster": {"hosting"},
    "security-vendor": {"security-vendor"},
    "vpn": {"vpn"},
}
"""Kinds that networks of a place may have. None is always allowed."""

PEOPLE: set[NetworkKind] = {"access", "mobile", "business"}
MACHINES: set[NetworkKind] = {"hosting", "security-vendor", "vpn", "web-gateway"}


def networks_in(block: str) -> list[str]:
    """Some /24s or /48s of a block: its first, its last, and some between."""
    parsed = ipaddress.ip_network(block)
    step = max(parsed.num_addresses // 37, 1)
    addresses = [parsed[at] for at in range(0, parsed.num_addresses, step)][:40]
    return sorted({network for each in [*addresses, parsed[-1]] if (network := network_of(str(each)))})


def kinds_in(block: str) -> list[NetworkKind | None]:
    found = [CATALOGUES.class_of(network) for network in networks_in(block)]
    return [None if each is None else each.kind for each in found]


@pytest.mark.parametrize("place", ALLOWED)
def test_networks_of_machines_have_the_right_kind_or_none(place: str) -> None:
    for block in BLOCKS[place]:
        kinds = kinds_in(block)
        wrong = [kind for kind in kinds if kind is not None and kind not in ALLOWED[place]]
        # Parts of wide blocks are sold and rented on; a carrier announces one of Proton's four networks as its own.
        assert len(wrong) <= max(len(kinds) // 10, block == "185.159.156.0/22"), (block, kinds)


@pytest.mark.parametrize("place", ["small-hoster", "security-vendor", "vpn", "web-gateway", "azure"])
def test_most_networks_of_such_places_are_known(place: str) -> None:
    kinds = [kind for block in BLOCKS[place] for kind in kinds_in(block)]
    assert sum(kind in ALLOWED[place] for kind in kinds) >= 0.9 * len(kinds)


@pytest.mark.parametrize("place", ["home", "mobile", "business-line"])
def test_networks_of_people_are_not_taken_for_machines(place: str) -> None:
    kinds = [kind for block in BLOCKS[place] for kind in kinds_in(block)]
    # The blocks are wide; hosters stand in a few corners of them.
    assert sum(kind in MACHINES for kind in kinds) <= 0.05 * len(kinds)
    assert sum(kind in PEOPLE for kind in kinds) >= 0.6 * len(kinds)


@pytest.mark.parametrize(
    ("network", "kind", "name", "country"),
    [
        ("91.10.20.0/24", "access", "Deutsche Telekom", "DE"),
        ("2003:c1:2::/48", "access", "Deutsche Telekom", "DE"),
        ("172.56.1.0/24", "mobile", "T-Mobile US", "US"),
        ("2607:fb90:1::/48", "mobile", "T-Mobile US", "US"),
        ("213.61.10.0/24", "business", "Colt", None),
        ("72.52.130.0/24", "hosting", "Liquid Web", "US"),
        ("146.70.10.0/24", "vpn", "M247", None),
        ("66.180.80.0/24", "security-vendor", "Trend Micro", None),
    ],
)
def test_a_network_has_its_owners_kind_name_and_country(
    network: str, kind: str, name: str, country: str | None
) -> None:
    found = CATALOGUES.class_of(network)
    assert found is not None
    assert (found.kind, found.name, found.is_certain) == (kind, name, True)
    assert country is None or found.country == country


@pytest.mark.parametrize(
    "address",
    ["91.10.20.7", "::ffff:91.10.20.7", "::ffff:5b0a:1407", "2002:5b0a:1407::1", "::ffff:91.10.20.0/120"],
)
def test_an_ipv4_address_inside_an_ipv6_one_is_looked_up_itself(address: str) -> None:
    found = CATALOGUES.class_of(address)
    assert found is not None
    assert found.name == "Deutsche Telekom"


@pytest.mark.parametrize("text", [None, "", "unknown", "192.0.2.0/99", "10.1.2.0/24", "127.0.0.0/24", "fe80::/48"])
def test_what_is_no_public_network_is_nobodys(text: str | None) -> None:
    assert CATALOGUES.class_of(text) is None


def test_a_network_of_several_systems_is_nobodys() -> None:
    assert CATALOGUES.class_of("0.0.0.0/0") is None
    assert CATALOGUES.class_of("91.0.0.0/8") is None


def test_a_row_of_the_catalogue_of_networks_comes_before_the_system() -> None:
    # Amazon announces these for Barracuda and for Zscaler.
    barracuda, zscaler = CATALOGUES.class_of("3.24.133.128/25"), CATALOGUES.class_of("165.225.12.0/24")
    assert barracuda is not None
    assert (barracuda.kind, barracuda.name) == ("security-vendor", "Barracuda's mail filter")
    assert zscaler is not None
    assert (zscaler.kind, zscaler.name) == ("web-gateway", "Zscaler")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Dathost AB", "hosting"),
        ("Consulta Hosting Services AB", "hosting"),
        ("Cosmic Wireless LLC", "mobile"),
        ("BANANA BROADBAND", "access"),
        ("Universidade Federal do Acre", "business"),
        ("Castle VPN", "vpn"),
        ("Acme Telecom and Hosting", None),
        ("United Services Automobile Association", None),
        ("Christian Kaufmann", None),
        ("Ghostwriters Limited", None),
    ],
)
def test_a_name_tells_the_kind_by_its_words_unless_they_disagree(name: str, kind: str | None) -> None:
    assert kind_by_words(name) == kind


def test_a_kind_by_words_is_not_certain() -> None:
    named = [found for number in range(256) if (found := CATALOGUES.class_of(f"45.{number}.5.0/24"))]
    assert {each.is_certain for each in named} == {True, False}
    assert all(each.kind == kind_by_words(each.name) for each in named if not each.is_certain)


def test_without_the_table_nothing_is_known_and_nothing_fails(tmp_path: Path) -> None:
    missing = AutonomousSystems(table=tmp_path / "none.bin")
    assert missing.class_of("91.10.20.0/24") is None
    assert missing.as_of is None


@pytest.mark.parametrize("change", ["cut", "longer", "other", "empty"])
def test_a_table_that_is_not_whole_counts_as_none(tmp_path: Path, change: str) -> None:
    whole = small_table(tmp_path)
    content = {"cut": whole[:-1], "longer": whole + b" ", "other": b"X" + whole[1:], "empty": b""}[change]
    path = tmp_path / "table.bin"
    path.write_bytes(content)
    assert AutonomousSystems(table=path).as_of is None
    assert AutonomousSystems(table=path).class_of("1.0.0.0/24") is None


def small_table(folder: Path) -> bytes:
    """A table of a few systems, from files as the packages have them."""
    asn, country = folder / "asn", folder / "country"
    asn.mkdir()
    country.mkdir()
    (asn / "package.json").write_text('{"version": "2.3.2026061719"}')
    four = [(1 << 24, 256, 64500), ((1 << 24) + 256, 512, 64501), ((1 << 24) + 1024, 128, 64500)]
    lines = [f'{first},{first + size - 1},{number},"Müller, {number}"' for first, size, number in four]
    (asn / "asn-ipv4-num.csv").write_text("\n".join(lines), encoding="utf-8")
    six = int(ipaddress.IPv6Address("2001:db8::"))
    (asn / "asn-ipv6-num.csv").write_text(f'{six},{six + (1 << 80) - 1},64500,"Müller, 64500"', encoding="utf-8")
    (country / "asn-country-ipv4-num.csv").write_text(f"{1 << 24},{(1 << 24) + 511},DE\n{(1 << 24) + 512},{1 << 25},AT")
    (country / "asn-country-ipv6-num.csv").write_text("")
    return make_table(asn, country)


def test_a_table_is_made_from_the_packages_files(tmp_path: Path) -> None:
    path = tmp_path / "table.bin"
    path.write_bytes(small_table(tmp_path))
    systems = AutonomousSystems(table=path)

    assert systems.as_of == "2026-06-17"
    found = {text: systems.class_of(text) for text in ("1.0.0.0/24", "1.0.1.0/24", "1.0.2.0/24", "2001:db8::/48")}
    assert {text: each and each.name for text, each in found.items()} == {
        "1.0.0.0/24": "Müller, 64500",
        "1.0.1.0/24": "Müller, 64501",
        "1.0.2.0/24": "Müller, 64501",
        "2001:db8::/48": "Müller, 64500",
    }
    # Half of a block, what comes before the first system and behind the last, and a network of two.
    for text in ("1.0.4.0/24", "0.255.255.0/24", "1.0.5.0/24", "1.0.0.0/23", "2001:db8:1::/48", "2001:db7::/48"):
        assert systems.class_of(text) is None
    # 64501 has addresses in two countries.
    assert [each and each.country for each in found.values()][1] is None


SYSTEMS = st.sampled_from([1, 2, 3])


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 12), SYSTEMS), max_size=8))
def test_a_block_is_a_systems_where_all_of_its_addresses_are(steps: list[tuple[int, int, int]]) -> None:
    spans: list[tuple[int, int, int]] = []
    holders: dict[int, int] = {}
    at = 0
    for gap, size, system in steps:
        spans.append((at + gap, at + gap + size - 1, system))
        holders |= dict.fromkeys(range(at + gap, at + gap + size), system)
        at += gap + size
    starts = list(block_starts(spans, 2))

    assert [first for first, _ in starts] == sorted({first for first, _ in starts})
    for block in range(at // 4 + 2):
        inside = {holders.get(address, 0) for address in range(block * 4, block * 4 + 4)}
        said = next((system for first, system in reversed(starts) if first <= block), 0)
        assert said == (inside.pop() if len(inside) == 1 else 0)


def test_a_systems_country_is_where_nearly_all_of_its_addresses_are() -> None:
    systems = [Span(0, 99, "1"), Span(100, 199, "2"), Span(200, 299, "1"), Span(400, 499, "3")]
    countries = [Span(0, 96, "DE"), Span(97, 149, "AT"), Span(150, 195, "CH"), Span(200, 299, "DE")]

    assert countries_of(systems, countries) == {"1": "DE"}


def test_every_row_has_a_source_and_stands_in_order() -> None:
    with OURS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = [int(row["asn"]) for row in rows]
    assert numbers == sorted(set(numbers))
    assert all(row["source"] and row["as_of"] for row in rows)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("AS3320,access,Telekom", "number of a system"),
        ("3320,access,", "a name"),
        ("3320,carrier,Telekom", "kind is 'carrier'"),
    ],
)
def test_a_deployments_row_that_cannot_be_used_stops_the_start(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / OURS.name).write_text(f"asn,kind,name,source,as_of\n{line},test,2026-11\n", encoding="utf-8")
    with pytest.raises(BrokenCatalogue, match=says):
        load_catalogues(tmp_path)


def test_a_deployments_row_comes_before_ours(tmp_path: Path) -> None:
    (tmp_path / OURS.name).write_text(
        "asn,kind,name,source,as_of\n3320,vpn,our own exit,test,2026-11\n", encoding="utf-8"
    )
    found = load_catalogues(tmp_path).class_of("91.10.20.0/24")
    assert found is not None
    assert (found.kind, found.name) == ("vpn", "our own exit")
