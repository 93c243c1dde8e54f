"""Hosts that organizations name: inside addresses, in whatever form, are refused."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from lib.outside import NotOutside, is_host, is_outside, refuse_inside_name, resolve_outside


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2001::1",
        "2002:a00:1::",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_an_inside_address_is_refused(address: str) -> None:
    assert not is_outside(ip_address(address))
    with pytest.raises(NotOutside):
        refuse_inside_name(address, loopback=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "52.96.0.1", "::ffff:8.8.8.8", "2606:4700::1111", "2a01:111::1"])
def test_an_address_of_the_internet_is_taken(address: str) -> None:
    assert is_outside(ip_address(address))
    refuse_inside_name(address, loopback=False)


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST.", "imap.localhost"])
def test_names_of_this_machine_are_refused_unless_the_setting_allows_them(name: str) -> None:
    with pytest.raises(NotOutside):
        refuse_inside_name(name, loopback=False)
    refuse_inside_name(name, loopback=True)


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "168.63.129.16", "fe80::1"])
def test_the_setting_allows_this_machine_alone(address: str) -> None:
    refuse_inside_name("127.0.0.1", loopback=True)
    with pytest.raises(NotOutside):
        refuse_inside_name(address, loopback=True)


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 993)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)


async def test_a_name_that_leads_outside_gives_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves_to(monkeypatch, "8.8.8.8", "8.8.4.4", "8.8.8.8")

    assert await resolve_outside("imap.example.com", 993, loopback=False) == ["8.8.8.8", "8.8.4.4"]


async def test_a_name_is_refused_if_any_of_its_addresses_lies_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves_to(monkeypatch, "8.8.8.8", "10.0.0.1")

    with pytest.raises(NotOutside, match=r"rebind\.example is no host of the public internet"):
        await resolve_outside("rebind.example", 993, loopback=False)


@pytest.mark.parametrize("address", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1"])
async def test_an_address_in_an_old_form_is_seen_through(address: str) -> None:
    with pytest.raises(NotOutside):
        await resolve_outside(address, 993, loopback=False)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("imap.example.com", True),
        ("imap.example.com.", True),
        ("::1", True),
        ("xn--mller-kva.example", True),
        ("", False),
        ("a b", False),
        ("user@host", False),
        ("host:993", False),
        ("http://host", False),
        ("-a.example", False),
        ("a" * 64, False),
        ("a." * 130 + "a", False),
    ],
)
def test_the_form_of_a_host(text: str, known: bool) -> None:
    assert is_host(text) is known
