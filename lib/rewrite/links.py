"""Followable links: from an address as its author wrote it to the one that a redirect can carry.

A recipient must land where the link would have led without us. So an address is kept byte for byte, but for characters
that an HTTP header cannot hold. These are changed as browsers change them: surrounding white space goes, spaces and
non-ASCII characters become percent-escapes, an international host name becomes its ASCII form. Where we cannot be sure
of the browser's reading (control characters, backslashes, user names, odd hosts), there is no redirect: the link stays
direct, and its author is told why.

Sources: the URL Standard, https://url.spec.whatwg.org/#url-parsing, and for host names Unicode UTS 46,
non-transitional, https://www.unicode.org/reports/tr46/.
"""

import ipaddress
import re
import string
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote

import idna

LONGEST: Final = 2048
"""The most characters a destination may have; the token in our URL holds all of them."""

WHITE_SPACE: Final = "\t\n\f\r "
"""Characters that HTML and URL parsers take off both ends of an attribute's value."""

_SILENT_SCHEMES: Final = ("mailto:", "tel:", "sms:", "cid:", "data:", "javascript:")
# Openings suffice: a field that is never closed has not been filled in either. `%%` also occurs in damaged
# percent-escapes, so this one has to be closed. The first character is what the search looks for.
_MERGE_FIELD: Final = re.compile(
    r"[{*$<\[%](?:(?<=\{)(?:\{|%[-\t\n\f\r ])|(?<=\*)\||(?<=\$)\{|(?<=<)%|(?<=\[)\[|(?<=%)%\w++%%)"
)
# Control characters, halves of surrogate pairs, and the sign that stands for a damaged character.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*+):")
_AUTHORITY: Final = re.compile(r"[^/?#]*+")
_HOST_AND_PORT: Final = re.compile(r"(\[[^\[\]]*+\]|[^:\[\]]*+)(?::(.*+))?+")
_BAD_HOST: Final = ("host", "its host is not a valid name or address")
# Nearly every link is such: nothing in it has to be changed or looked at but the host.
_PLAIN: Final = re.compile(r"https?://([A-Za-z0-9._\-]++)(?:[/?#][!-\[\]-~]*+)?+")
_LABEL: Final = re.compile(r"[A-Za-z0-9_\-]{1,63}")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_KEPT: Final = string.ascii_letters + string.digits + string.punctuation


class LinkRefused(ValueError):
    """An address that cannot be followed. `code` is for programs, `text` tells the author what is wrong."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code: Final = code
        self.text: Final = text


class _Parts(NamedTuple):
    """`https://example.com:8443/path?query` as `https`, `example.com`, `:8443`, `/path?query`."""

    scheme: str
    host: str
    port: str
    rest: str


def is_left_alone(value: str) -> bool:
    """Whether no author expects a redirect: no web address, an anchor in the page, or an open merge field."""
    address = value.strip(WHITE_SPACE)
    if not address or address.startswith("#") or address[:16].lower().startswith(_SILENT_SCHEMES):
        return True
    return _MERGE_FIELD.search(address) is not None


def destination(value: str) -> str:
    """Return the ASCII URL for the Location header, from an attribute's value after its entities have been decoded.

    Raises LinkRefused with one of the codes `too_long`, `character`, `backslash`, `relative`, `scheme`, `slashes`,
    `userinfo`, `port`, `host`.
    """
    address = value.strip(WHITE_SPACE)
    _check_length(address)
    if plain := _PLAIN.fullmatch(address):
        _ascii_host(plain[1])
        return address
    # Before anything is parsed: urlsplit and browsers drop tabs and line breaks silently.
    if _UNSAFE.search(address):
        raise LinkRefused("character", "it contains a control character or a damaged one")
    if "\\" in address:
        raise LinkRefused("backslash", "it contains a backslash, which programs read differently")
    parts = _split(address)
    url = f"{parts.scheme}://{_ascii_host(parts.host)}{parts.port}{_escaped(parts.rest)}"
    _check_length(url)
    return url


def _check_length(address: str) -> None:
    if len(address) > LONGEST:
        raise LinkRefused("too_long", f"it is longer than {LONGEST:,} characters")


def _split(address: str) -> _Parts:
    scheme = _SCHEME.match(address)
    if scheme is None:
        raise LinkRefused("relative", "it does not start with http:// or https://, so it leads nowhere from a mail")
    if scheme[1].lower() not in ("http", "https"):
        raise LinkRefused("scheme", f"only http and https links can be followed, not {scheme[1][:32]}:")
    if not address.startswith("//", scheme.end()):
        raise LinkRefused("slashes", f"there is no // after {scheme[0]}")
    start = scheme.end() + len("//")
    authority = _AUTHORITY.match(address, start)
    assert authority is not None, "the pattern also matches nothing"
    host, port = _host_and_port(authority[0])
    return _Parts(scheme[1], host, port, address[authority.end() :])


def _host_and_port(authority: str) -> tuple[str, str]:
    if "@" in authority:
        raise LinkRefused("userinfo", "it has a user name before the host")
    match = _HOST_AND_PORT.fullmatch(authority)
    if match is None or not match[1]:
        raise LinkRefused("host", "it names no host")
    host, port = match[1], match[2]
    if port is None:
        return host, ""
    # An empty port is the scheme's own, for browsers too.
    if port and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise LinkRefused("port", "its port is not a number from 1 to 65535")
    return host, f":{port}"


@lru_cache(1024)
def _ascii_host(host: str) -> str:
    try:
        if host.startswith("[") and "%" not in host:  # IPv6Address would take a zone, as in [fe80::1%eth0]
            ipaddress.IPv6Address(host[1:-1])
            return host
        name = host if host.isascii() else _international(host)
        labels = name.removesuffix(".").split(".")
        if _NUMBER.fullmatch(labels[-1]):
            ipaddress.IPv4Address(name.removesuffix("."))
    except ValueError as error:  # what ipaddress and idna raise
        raise LinkRefused(*_BAD_HOST) from error
    if len(name) > 254 or not all(_LABEL.fullmatch(label) for label in labels):
        raise LinkRefused(*_BAD_HOST)
    return name


@lru_cache(1024)
def _international(host: str) -> str:
    """Return the host name in ASCII, as browsers make it.

    The rules are those of UTS 46, not of IDNA 2008 (`idna.encode`), because browsers accept symbols: there are hosts
    named with emoji.
    """
    labels = idna.uts46_remap(host, std3_rules=False, transitional=False).split(".")
    runs_right_to_left = any(_is_right_to_left(label) for label in labels)
    return ".".join(_ascii_label(label, runs_right_to_left) for label in labels)


def _is_right_to_left(label: str) -> bool:
    return any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in label)


def _ascii_label(label: str, in_right_to_left_name: bool) -> str:
    if in_right_to_left_name and label:
        idna.check_bidi(label, check_ltr=True)
    if label.isascii():
        return label
    if label.startswith("xn--"):
        raise ValueError("not ASCII, but marked as what has been made ASCII")
    idna.check_initial_combiner(label)
    for place, character in enumerate(label):
        if character in "\u200c\u200d" and not idna.valid_contextj(label, place):
            raise ValueError("a joiner where none may stand")
    return "xn--" + label.encode("punycode").decode("ascii")


def _escaped(rest: str) -> str:
    """Return path, query and fragment, with percent-escapes for spaces and non-ASCII characters only."""
    return quote(rest, safe=_KEPT)
