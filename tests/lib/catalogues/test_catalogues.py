"""The catalogues can be trusted row by row, and a deployment's own come on top; a broken row stops the start."""

from __future__ import annotations

import csv
import ipaddress
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lib.catalogues
from infra.local.child import ROOT, free_port
from lib.catalogues.csv_rows import BrokenCatalogue, read_rows
from lib.catalogues.gateways import SCANS
from lib.catalogues.owners import OWNER_KINDS
from lib.catalogues.registry import load_catalogues
from lib.services import build
from lib.settings import SettingsError, load_settings
from tests.support.heed import SETTINGS

OURS = Path(lib.catalogues.__file__).parent
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "networks"
HEADERS = {
    "networks.csv": "cidr,owner",
    "owners.csv": "owner,name,kind",
    "gateways.csv": "mx_suffix,gateway,name,scans",
}
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"there are no sample networks in {SAMPLES}")


def rows(name: str) -> list[dict[str, str]]:
    with (OURS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(folder: Path, name: str, *lines: str) -> Path:
    """A deployment's file, each line with a source and a date at its end."""
    dated = "".join(f"{line},test,2026-11\n" for line in lines)
    (folder / name).write_text(f"{HEADERS[name]},source,as_of\n{dated}", encoding="utf-8")
    return folder


def complaint(folder: Path, name: str, *lines: str) -> str:
    write(folder, name, *lines)
    with pytest.raises(BrokenCatalogue) as caught:
        load_catalogues(folder)
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("name", HEADERS)
def test_every_row_has_a_source_and_a_date_and_can_be_read(name: str) -> None:
    entries = list(read_rows(name, HEADERS[name].split(",")))
    assert len(entries) == len(rows(name)) > 5
    assert all(entry["source"] and entry["as_of"] for entry in entries)


def test_networks_stand_in_order_each_once_and_none_could_be_written_shorter() -> None:
    listed = [(row["owner"], ipaddress.ip_network(row["cidr"]), row["source"]) for row in rows("networks.csv")]
    assert len({network for _, network, _ in listed}) == len(listed)
    order = [(owner, each.version, int(each.network_address), each.prefixlen) for owner, each, _ in listed]
    assert order == sorted(order)
    for version in (4, 6):
        for owner, source in {(owner, source) for owner, _, source in listed}:
            alike = [each for of, each, said in listed if (of, said) == (owner, source) and each.version == version]
            assert list(ipaddress.collapse_addresses(alike)) == alike  # type: ignore[type-var]


@pytest.mark.parametrize(("name", "column"), [("owners.csv", "owner"), ("gateways.csv", "mx_suffix")])
def test_owners_and_gateways_stand_in_order_each_once(name: str, column: str) -> None:
    keys = [row[column] for row in rows(name)]
    assert keys == sorted(set(keys))


def test_every_owner_is_of_a_known_kind_and_has_networks() -> None:
    catalogues = load_catalogues()
    assert {row["owner"] for row in rows("networks.csv")} == set(catalogues.owners)
    assert {owner.kind for owner in catalogues.owners.values()} == set(OWNER_KINDS)
    assert {gateway.scans for gateway in catalogues.gateways.values()} <= set(SCANS)


@pytest.mark.parametrize(
    ("address", "kind", "name"),
    [
        ("40.92.3.4", "scanner", "Microsoft 365's mail protection"),
        ("2a01:111:f403::1", "scanner", "Microsoft 365's mail protection"),
        ("209.222.82.9", "scanner", "Barracuda's mail filter"),
        ("67.231.152.1", "gateway", "Proofpoint"),
        ("91.220.42.7", "gateway", "Mimecast"),
        ("68.232.128.1", "gateway", "Cisco's mail gateway"),
        ("104.28.28.1", "relay", "Apple's relay"),
        ("2a02:26f7:b00a:4000::1", "relay", "Apple's relay"),
        ("66.249.84.1", "proxy", "Google"),
        ("34.64.32.1", "cloud", "Google Cloud"),
        ("52.96.0.1", "proxy", "Microsoft's Exchange Online"),
        ("20.73.0.1", "cloud", "Microsoft's cloud"),
        ("3.65.0.1", "cloud", "Amazon's cloud"),
    ],
)
def test_the_mail_worlds_networks_are_known_by_names_for_people(address: str, kind: str, name: str) -> None:
    catalogues = load_catalogues()
    found = catalogues.networks.owner(address)
    assert found is not None
    assert (catalogues.owners[found].kind, catalogues.owners[found].name) == (kind, name)


def test_a_home_network_is_nobodys() -> None:
    assert load_catalogues().networks.owner("198.51.100.7") is None


def test_ours_are_read_once() -> None:
    assert load_catalogues() is load_catalogues()


@needs_samples
def test_every_sampled_scanner_network_has_the_owner_that_the_sample_names() -> None:
    networks = load_catalogues().networks
    with (SAMPLES / "scanners.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for address in edges(row["cidr"]):
                assert networks.owner(address) == row["owner"], row["cidr"]


@needs_samples
@pytest.mark.parametrize(
    ("name", "owners"),
    [
        ("apple-relay-v4.txt", {"apple-relay"}),
        ("apple-relay-v6.txt", {"apple-relay"}),
        ("google-v4.txt", {"google", "google-cloud"}),
    ],
)
def test_every_sampled_network_of_apple_and_google_is_known(name: str, owners: set[str]) -> None:
    networks = load_catalogues().networks
    for cidr in (SAMPLES / name).read_text().split():
        assert {networks.owner(address) for address in edges(cidr)} <= owners, cidr


@needs_samples
def test_no_ipv4_address_is_apples_that_the_sample_does_not_name() -> None:
    sampled = {ipaddress.ip_network(cidr) for cidr in (SAMPLES / "apple-relay-v4.txt").read_text().split()}
    ours = [ipaddress.ip_network(row["cidr"]) for row in rows("networks.csv") if row["owner"] == "apple-relay"]
    assert {each for each in ours if each.version == 4} == set(sampled)
    assert all(each.prefixlen <= 48 for each in ours if each.version == 6)


def edges(cidr: str) -> Iterator[str]:
    network = ipaddress.ip_network(cidr)
    yield str(network[0])
    yield str(network[-1])


def test_a_deployments_rows_come_on_top_of_ours(tmp_path: Path) -> None:
    write(tmp_path, "owners.csv", "acme-scanner,Acme's scanner,scanner", "mimecast,Mimecast's sandbox,scanner")
    write(tmp_path, "networks.csv", "198.51.100.0/24,acme-scanner", "40.92.0.0/15,acme-scanner", "52.238.78.88/32,")
    write(tmp_path, "gateways.csv", "mail.acme.example,acme,Acme,clicks", "mimecast.co.za,mimecast,Mimecast,clicks")

    found = load_catalogues(tmp_path)

    assert found.networks.owner("198.51.100.7") == "acme-scanner"
    assert found.networks.owner("40.92.3.4") == "acme-scanner"
    assert found.networks.owner("40.107.3.4") == "microsoft-365-protection"
    assert found.networks.owner("52.238.78.88") is None
    assert found.owners["acme-scanner"].name == "Acme's scanner"
    assert found.owners["mimecast"].kind == "scanner"
    assert found.gateways.gateway_of(["mx1.mail.acme.example"]) == "acme"
    assert found.gateways["mimecast"].scans == "clicks"
    assert found.gateways.gateway_of(["eu-smtp-inbound-1.mimecast.com"]) == "mimecast"
    assert load_catalogues().networks.owner("198.51.100.7") is None


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("networks.csv", "192.0.2.0,mimecast", "needs a length"),
        ("networks.csv", "192.0.2.0/33,mimecast", "at most /32"),
        ("networks.csv", "192.0.2.0/-1,mimecast", "needs a length"),
        ("networks.csv", "2001:db8::/129,mimecast", "at most /128"),
        ("networks.csv", "192.0.2/24,mimecast", "is no network"),
        ("networks.csv", "2001:db8::1::/48,mimecast", "is no network"),
        ("networks.csv", "fe80::%eth0/64,mimecast", "is no network"),
        ("networks.csv", "a\x00b/24,mimecast", "is no network"),
        ("networks.csv", "everybody,mimecast", "is no network"),
        ("networks.csv", "192.0.2.1/24,mimecast", "write 192.0.2.0/24"),
        ("networks.csv", "2001:db8::1/48,mimecast", "write 2001:db8::/48"),
        ("networks.csv", "192.0.2.0/24,nobody", "owners.csv does not have it"),
        ("networks.csv", "192.0.2.0/24", "columns"),
        ("owners.csv", "Acme,Acme,scanner", "lower case"),
        ("owners.csv", "acme,,scanner", "a name"),
        ("owners.csv", "acme,Acme,robot", "kind is 'robot'"),
        ("gateways.csv", "*.acme.example,acme,Acme,all", "mx_suffix is"),
        ("gateways.csv", "Acme.example,acme,Acme,all", "lower case"),
        ("gateways.csv", ".acme.example,acme,Acme,all", "mx_suffix is"),
        ("gateways.csv", "acme.example,acme,,all", "a name"),
        ("gateways.csv", "acme.example,acme,Acme,everything", "scans is 'everything'"),
    ],
)
def test_a_broken_row_is_named_by_file_and_line(tmp_path: Path, name: str, line: str, says: str) -> None:
    sound = {"networks.csv": "203.0.113.0/24,mimecast", "owners.csv": "sound,Sound,cloud"}
    said = complaint(tmp_path, name, sound.get(name, "sound.example,sound,Sound,none"), line)
    assert said.startswith(f"{name}, line 3: ")
    assert says in said


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("networks.csv", "192.0.2.0/24,mimecast", "192.0.2.0/24,proofpoint"),
        ("networks.csv", "2001:db8::/48,mimecast", "2001:0DB8:0::/48,mimecast"),
        ("owners.csv", "acme,Acme,scanner", "acme,Acme,cloud"),
        ("gateways.csv", "acme.example,acme,Acme,all", "acme.example,acme,Acme,all"),
    ],
)
def test_what_stands_in_one_file_twice_is_broken(tmp_path: Path, name: str, first: str, second: str) -> None:
    said = complaint(tmp_path, name, first, second)
    assert said.startswith(f"{name}, line 3: ")
    assert "twice" in said


def test_a_gateway_has_one_name(tmp_path: Path) -> None:
    said = complaint(tmp_path, "gateways.csv", "a.example,acme,Acme,all", "b.example,acme,Akme,all")
    assert said.startswith("gateways.csv, line 3: acme has another name")


def test_building_the_services_with_a_broken_row_says_in_one_line_where_it_stands(tmp_path: Path) -> None:
    write(tmp_path, "networks.csv", "192.0.2.1/24,mimecast")
    settings = load_settings({**SETTINGS, "HEED_CATALOGUES": str(tmp_path)})
    with pytest.raises(SettingsError) as caught:
        build(settings)
    said = str(caught.value)
    assert "networks.csv, line 2" in said
    assert f"HEED_CATALOGUES is {tmp_path}" in said
    assert "\n" not in said


def test_a_broken_row_stops_the_start_with_that_line_alone(tmp_path: Path) -> None:
    write(tmp_path, "networks.csv", "192.0.2.1/24,mimecast")
    settings = {
        "HEED_CATALOGUES": str(tmp_path),
        "HEED_DATA_DIR": str(tmp_path / "data"),
        "HEED_PORT": str(free_port()),
        "HEED_SMTP_HOST": "mail.example.com",
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HEED_", "Azure"))}
    run = subprocess.run(
        [sys.executable, "-m", "infra.local"], cwd=ROOT, env=inherited | settings, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stderr.startswith("A catalogue is broken: networks.csv, line 2: 192.0.2.1/24 has bits of a host")
    assert run.stderr.count("\n") == 1


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"HEED_CATALOGUES is wrong \(there is no such folder\): set it to "):
        load_settings({**SETTINGS, "HEED_CATALOGUES": str(tmp_path / "nowhere")})
