"""Values that callers send with bad intent, or by mistake: as texts of paths, queries and headers, and as JSON."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_TEXTS = (
    # Filters of OData, and SQL's like
    "' or true",
    "' or PartitionKey ne '",
    "x' or '1' eq '1",
    "org') or (true",
    "@p or 1 eq 1",
    '" or ""="',
    # Paths, headers, terminals, logs
    "../../etc/passwd",
    "..\\..\\x",
    "a/b",
    "x\r\nSet-Cookie: a=b",
    "x\nheed.fact {}",
    "\x1b[31m",
    "\x00",
    "a\x7fb",
    # Templates and markup
    "{{7*7}}",
    "${7*7}",
    "{org}",
    "{0.__class__}",
    "%s%n%(x)s",
    "<script>alert(1)</script>",
    "=1+1",
    # Unicode
    "\u202eabc",
    "\u0130\u0131\u00df\ufb01",
    "\U0001f600" * 40,
    "\ufeff",
    "\uffff",
    # Sizes and numbers
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "9" * 400,
    "a" * 101,
    "a" * 5_000,
    # What has a meaning in keys and patterns
    "*",
    "|",
    "~",
    ".",
    "..",
    "?",
    "#",
    "\\",
    "%",
    "+",
    "null",
    "true",
    "[]",
    "{}",
    "2026-05-04T09:30:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
)

_RAW_ENCODINGS = (
    "%00",
    "%ff",
    "%c0%af",
    "%ed%a0%80",
    "%2e%2e%2f",
    "%252f",
    "%zz",
    "%",
    "%0d%0a",
    "%F0%9F%98%80",
    "a%2Fb",
)

texts = st.sampled_from(_TEXTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
"""Texts that can be encoded as UTF-8."""

raw_encodings = st.sampled_from(_RAW_ENCODINGS)
"""Percent-encodings as they stand in a URL, broken ones too."""

header_values = texts.filter(lambda text: not set(text) & set("\r\n\x00")).map(
    lambda text: text.encode()[:8_000].decode("latin-1")
)
"""Values that a server lets through in a header."""

_OTHERS: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    10**400,
    1.5,
    1e308,
    [],
    {},
    [[]],
    [None],
    ["a"] * 300,
    {"a": "b"},
    {"id": "a", "type": "contact"},
    "\ud800",
    "x" * 1_000_000,
)


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


json_values = st.sampled_from([*_OTHERS, _nested(80)]) | texts
"""JSON values of every type, among them texts that are no Unicode, and one of a million characters."""
