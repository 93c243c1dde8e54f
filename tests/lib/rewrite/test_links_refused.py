"""An address that browsers might read otherwise than we do is refused, and its author is told why."""

import pytest

from lib.rewrite.links import LONGEST, LinkRefused, destination


def refusal(address: str) -> str:
    with pytest.raises(LinkRefused) as caught:
        destination(address)
    assert caught.value.text, "a refusal says why"
    return caught.value.code


@pytest.mark.parametrize("character", ["\0", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", chr(0xD83D), "\ufffd"])
@pytest.mark.parametrize("address", ["https://example.com/a{}b", "https://exa{}mple.com/", "ht{}tps://example.com/"])
def test_control_and_damaged_characters_anywhere(address: str, character: str) -> None:
    assert refusal(address.format(character)) == "character"


@pytest.mark.parametrize(
    "address", ["https://example.com\\@evil.example/", "https:\\\\example.com", "\\\\server\\share"]
)
def test_backslashes(address: str) -> None:
    assert refusal(address) == "backslash"


@pytest.mark.parametrize(
    "address", ["https://user@example.com/", "https://user:pw@example.com/", "https://@example.com"]
)
def test_user_names_before_the_host(address: str) -> None:
    assert refusal(address) == "userinfo"


def test_an_at_sign_after_the_host_is_no_user_name() -> None:
    assert destination("https://example.com/@user?a@b") == "https://example.com/@user?a@b"


@pytest.mark.parametrize(
    "port", ["0", "65536", "99999999999999999999", "80a", "-1", "+80", "8_0", "٨٠", "80:81", " 80"]
)
def test_bad_ports(port: str) -> None:
    assert refusal(f"https://example.com:{port}/") == "port"


@pytest.mark.parametrize(
    "address", ["ftp://example.com/", "file:///etc/passwd", "heed:x", "vbscript:x", "example.com:80/x"]
)
def test_other_schemes(address: str) -> None:
    assert refusal(address) == "scheme"


@pytest.mark.parametrize("address", ["https:example.com", "https:/example.com", "HTTP:", "https:?x"])
def test_a_missing_double_slash(address: str) -> None:
    assert refusal(address) == "slashes"


@pytest.mark.parametrize("address", ["/path", "path", "//example.com/x", "?q=1", "www.example.com", "https"])
def test_relative_addresses(address: str) -> None:
    assert refusal(address) == "relative"


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":80",
        ".",
        ".example.com",
        "a..example.com",
        "exa mple.com",
        "exa%6dple.com",
        "exam\"ple.com",
        "exam,ple.com",
        "x" * 64 + ".com",
        ".".join(["x" * 60] * 5),
        "256.1.1.1",
        "1.2.3",
        "010.1.1.1",
        "0x7f.1",
        "[::1",
        "[::g]",
        "[::1]x",
        "[fe80::1%eth0]",
        "::1",
        "a℀b.com",
        "\u0301x.com",
        "a\u200db.com",
        "אa.com",
        "\u00ad",
        "xn--ü.com",
    ],
)  # fmt: skip
def test_empty_and_bad_hosts(host: str) -> None:
    assert refusal(f"https://{host}/") in ("host", "port")


def test_more_than_the_greatest_length() -> None:
    assert refusal("https://example.com/".ljust(LONGEST + 1, "x")) == "too_long"


def test_the_length_that_counts_is_the_one_after_escaping() -> None:
    assert refusal("https://example.com/" + "é" * 1000) == "too_long"


def test_a_refusal_is_a_value_error_with_its_reason() -> None:
    with pytest.raises(ValueError, match="user name"):
        destination("https://user@example.com/")
