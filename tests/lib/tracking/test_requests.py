"""Facts of requests: what is kept of headers, and the network in place of the address."""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.catalogues.networks import Networks
from lib.tracking.facts import KEPT_HEADERS, LONGEST_HEADER, SESSION, Fact, bare_fact
from lib.tracking.requests import LONGEST_AGENT, new_fact

NOW = datetime(2026, 5, 4, 9, 30, 0, 123456, tzinfo=UTC)
MESSAGE = "0123456789abcdef" * 2


def fact_of(headers: Mapping[str, str], trusted_hops: int = 1) -> Fact:
    return new_fact("open", MESSAGE, NOW, "GET", headers, recipient=0, trusted_hops=trusted_hops)


def network_of(forwarded: str, trusted_hops: int = 1) -> str | None:
    return fact_of({"x-forwarded-for": forwarded}, trusted_hops).network


HALF = Networks({4: {(0xC0000200, 7): "acme"}, 6: {(0x20010DB80001 << 80, 64): "globex", (0xFE80 << 112, 118): "link"}})
"""192.0.2.0/25 is acme's, 2001:db8:1::/64 is globex's, fe80::/10 is link's."""


def owner_of(forwarded: str, networks: Networks | None = HALF) -> str | None:
    headers = {"x-forwarded-for": forwarded}
    return new_fact("open", MESSAGE, NOW, "GET", headers, trusted_hops=1, networks=networks).owner


def test_a_facts_key_sorts_by_time_and_differs_from_every_other() -> None:
    keys = {fact_of({}).key for _ in range(100)}
    assert len(keys) == 100
    assert {key[:14] for key in keys} == {"1777887000123-"}


@pytest.mark.parametrize("size", [512, 513, 64 * 1024, 1024 * 1024])
def test_an_agent_is_cut_to_what_rules_need(size: int) -> None:
    agent = fact_of({"user-agent": "A" * size}).agent
    assert agent == "A" * LONGEST_AGENT


def test_a_missing_agent_is_not_the_same_as_an_empty_one() -> None:
    assert fact_of({}).agent is None
    assert fact_of({"user-agent": ""}).agent == ""


def test_control_characters_of_an_agent_become_blanks() -> None:
    assert fact_of({"user-agent": "Moz\x00\x1b[31milla\r\nheed.fact {}\x7f\x85"}).agent == "Moz [31milla heed.fact {}"


@given(st.text())
def test_every_agent_can_be_logged_stored_and_read_back(agent: str) -> None:
    fact = fact_of({"user-agent": agent})
    text = fact.to_json()
    assert "\n" not in text
    assert Fact.from_json(text.encode().decode()) == fact


def test_half_a_surrogate_pair_becomes_a_blank() -> None:
    fact = fact_of({"user-agent": "a\ud83db", "accept-language": "a\udfffb"})
    assert (fact.agent, fact.headers) == ("a b", {"accept-language": "a b"})
    fact.to_json().encode()


def test_only_the_headers_that_rules_look_at_are_kept_and_those_are_cut() -> None:
    headers = dict.fromkeys(KEPT_HEADERS, "v" * 1000)
    asked = {**headers, "cookie": "secret", "referer": "https://example.com/inbox", "x-real-ip": "192.0.2.1"}
    kept = dict(fact_of(asked).headers)
    assert kept.pop("referer") == "example.com"
    assert kept == {name: "v" * longest for name, longest in KEPT_HEADERS.items() if name != "referer"}
    assert max(KEPT_HEADERS.values()) == LONGEST_HEADER


@pytest.mark.parametrize(
    ("referer", "host"),
    [
        ("https://mail.google.com/mail/u/0/#inbox/secret", "mail.google.com"),
        ("https://Webmail.Example.org:8443/?user=ada&token=secret", "webmail.example.org"),
        ("https://ada:secret@mail.example.org/x", "mail.example.org"),
        ("https://192.0.2.7/owa/", "192.0.2.7"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("https://mail.example.org", "mail.example.org"),
    ],
)
def test_of_the_page_with_the_link_its_host_alone_is_kept(referer: str, host: str) -> None:
    fact = fact_of({"referer": referer})
    assert fact.headers == {"referer": host}
    assert "secret" not in fact.to_json()


@pytest.mark.parametrize(
    "referer",
    [
        "", "/inbox/secret", "secret", "https://", "https:///secret", "https://ada:secret@", "https://ada:secret@/x",
        "https://[2001:db8::1]/secret", "mailto:secret@example.org", "https://sécret/",
        f"https://{'secret' * 20}.example.org/",
    ],
)  # fmt: skip
def test_of_a_referer_without_a_plain_host_nothing_is_kept(referer: str) -> None:
    assert fact_of({"referer": referer}).headers == {}


BROWSERS_HEADERS = {
    "accept": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    "accept-encoding": "gzip, deflate, br, zstd",
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "no-cors",
    "sec-fetch-dest": "image",
    "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "referer": "mail.example.org",
}


def test_a_browsers_headers_are_kept_and_written_as_one_that_an_earlier_release_keeps() -> None:
    sent = {**BROWSERS_HEADERS, "accept-language": "en", "referer": "https://mail.example.org/"}
    fact = fact_of(sent)
    assert fact.headers == {**BROWSERS_HEADERS, "accept-language": "en"}
    stored = json.loads(fact.to_json())["headers"]
    assert {name: type(value) for name, value in stored.items()} == {
        "accept-language": str, "heed-client": str, "heed-key": str
    }  # fmt: skip
    assert Fact.from_json(fact.to_json()) == fact


@given(
    st.dictionaries(
        st.sampled_from([*KEPT_HEADERS, "heed-session"]), st.text('aé\t "\\', max_size=4), max_size=len(KEPT_HEADERS)
    )
)
def test_a_fact_comes_back_from_storage_with_the_same_headers_whatever_they_hold(headers: dict[str, str]) -> None:
    for kind in ("open", "click"):
        fact = replace(fact_of({}), kind=kind, headers=headers)
        assert Fact.from_json(fact.to_json()) == fact


def test_two_hits_by_the_same_program_do_not_share_what_only_one_of_them_has() -> None:
    signed_in = fact_of({**BROWSERS_HEADERS, "cookie": f"{SESSION}=x"})
    other = fact_of(BROWSERS_HEADERS)
    assert SESSION in signed_in.headers
    assert SESSION not in other.headers


def test_of_a_hit_whose_details_are_deleted_no_header_is_left() -> None:
    fact = fact_of({**BROWSERS_HEADERS, "user-agent": "x", "x-forwarded-for": "192.0.2.77"})
    assert fact.headers.keys() >= {"accept", "sec-ch-ua"}
    assert bare_fact(fact) == replace(fact, agent=None, network=None, owner=None, headers={})
    assert "heed-client" not in bare_fact(fact).to_json()


def test_the_largest_fact_that_a_request_can_make_is_small() -> None:
    hostile = dict.fromkeys(("user-agent", "x-forwarded-for", "cookie", *KEPT_HEADERS), "\\" * 65536)
    assert len(fact_of(hostile).to_json().encode()) < 5120


@pytest.mark.parametrize(
    ("forwarded", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("192.0.2.77:51234", "192.0.2.0/24"),
        (" 192.0.2.77 ", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:DB8:1::7", "2001:db8:1::/48"),
        ("[2001:db8:1::7]", "2001:db8:1::/48"),
        ("[2001:db8:1::7]:443", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("[fe80::1%25eth0]:443", "fe80::/48"),
        ("[fe80::1%" + "e" * 500 + "]:443", "fe80::/48"),
        ("2001:db8:1::7%" + "\x00\r\n", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("[::ffff:192.0.2.77]:443", "192.0.2.0/24"),
        ("2002:c000:24d::1", "192.0.2.0/24"),
        ("64:ff9b::192.0.2.77", "192.0.2.0/24"),
        ("64:ff9b:1::192.0.2.77", "64:ff9b:1::/48"),
    ],
)
def test_of_an_address_only_its_network_is_kept(forwarded: str, network: str) -> None:
    assert network_of(forwarded) == network


@pytest.mark.parametrize(
    "forwarded",
    ["", ",", "unknown", "_hidden", "192.0.2", "192.0.2.300", "192.0.2.1, ", "::1::", "1" * 5000, "é"],
)
def test_what_is_no_address_has_no_network(forwarded: str) -> None:
    assert network_of(forwarded) is None


def test_what_the_client_says_of_itself_is_not_believed() -> None:
    assert network_of("10.0.0.1, 203.0.113.9") == "203.0.113.0/24"
    assert network_of("10.0.0.1,192.0.2.5,203.0.113.9", trusted_hops=2) == "192.0.2.0/24"


def test_a_hundred_spoofed_entries_change_nothing() -> None:
    spoofed = ", ".join(f"2001:db8:{number:x}:aaaa:bbbb:cccc:dddd:eeee" for number in range(100))
    assert network_of(f"{spoofed}, 203.0.113.9") == "203.0.113.0/24"
    assert network_of(f"{'x' * 100_000}, 192.0.2.5:80, 203.0.113.9", trusted_hops=2) == "192.0.2.0/24"


@pytest.mark.parametrize(
    ("forwarded", "owner"),
    [
        ("192.0.2.127", "acme"),
        ("192.0.2.128", None),
        ("192.0.2.127:51234", "acme"),
        ("10.0.0.1, 192.0.2.127", "acme"),
        ("192.0.2.127, 10.0.0.1", None),
        ("::ffff:192.0.2.127", "acme"),
        ("[::ffff:192.0.2.127]:443", "acme"),
        ("2002:c000:27f::1", "acme"),
        ("2002:c000:280::1", None),
        ("[2001:db8:1::7]:443", "globex"),
        ("2001:DB8:1:0:ffff::7", "globex"),
        ("2001:db8:1:1::7", None),
        ("fe80::1%eth0", "link"),
        ("unknown", None),
        ("", None),
        ("1" * 5000, None),
    ],
)
def test_the_owner_is_that_of_the_whole_address_before_it_is_cut(forwarded: str, owner: str | None) -> None:
    assert owner_of(forwarded) == owner


def test_without_a_catalogue_there_is_no_owner() -> None:
    assert owner_of("192.0.2.127", networks=None) is None


def test_an_owner_is_stored_and_read_back() -> None:
    headers = {"x-forwarded-for": "192.0.2.127"}
    fact = new_fact("open", MESSAGE, NOW, "GET", headers, trusted_hops=1, networks=HALF)
    assert Fact.from_json(fact.to_json()) == fact
    assert (fact.network, fact.owner) == ("192.0.2.0/24", "acme")


def test_a_hit_asks_for_an_address_that_came_before_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = Networks({4: {(0xC0000200, 8): "acme"}})
    assert owner_of("192.0.2.1", networks) == "acme"
    monkeypatch.setattr(networks, "_ranges", {})
    assert owner_of("192.0.2.1", networks) == "acme"


@pytest.mark.parametrize(
    "cookie",
    [
        f"{SESSION}=abc",
        f"a=b; {SESSION}=abc",
        f"a=b; __Host-{SESSION}=abc",
        f"a=b;{SESSION}=abc; c=d",
        f"{SESSION}=" + "x" * 65536,
        "a=" + "x" * 65536 + f"; {SESSION}=abc",
    ],
    ids=lambda cookie: str(cookie)[:40],
)
def test_a_console_session_is_noted_and_its_value_is_not(cookie: str) -> None:
    assert fact_of({"cookie": cookie}).headers == {"heed-session": "1"}


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": ""},
        {"cookie": "theme=dark"},
        {"cookie": f"{SESSION}="},
        {"cookie": f"{SESSION}=; a=b"},
        {"cookie": f"x{SESSION}=abc"},
        {"cookie": f"__Secure-{SESSION}=abc"},
        {"cookie": f"{SESSION}-2=abc"},
        {"cookie": f"a={SESSION}=abc"},
        {"cookie": "; " * 32768},
        {SESSION: "1"},
    ],
    ids=lambda headers: str(headers)[:40],
)
def test_nothing_else_is_taken_for_a_console_session(headers: dict[str, str]) -> None:
    assert fact_of(headers).headers == {}


def test_fewer_entries_than_trusted_proxies_say_nothing() -> None:
    assert network_of("203.0.113.9", trusted_hops=2) is None


def test_without_a_trusted_proxy_no_address_is_known() -> None:
    assert network_of("203.0.113.9", trusted_hops=0) is None


@given(st.ip_addresses(), st.sampled_from(["{}", "{}:443", "[{}]", "[{}]:443", "10.0.0.1, {}"]))
def test_no_address_is_stored_whole(address: ipaddress.IPv4Address | ipaddress.IPv6Address, form: str) -> None:
    network = network_of(form.format(address))
    if network is not None:
        parsed = ipaddress.ip_network(network)
        assert parsed.prefixlen == (24 if parsed.version == 4 else 48)
