"""Character sets of mail: labels as the WHATWG's Encoding standard has them, and older ones that only mail uses."""

from __future__ import annotations

import codecs
import re

import webencodings

_DAMAGE = re.compile("\ufffd{2,}+|[\ufffd\ud800-\udfff]*[\ud800-\udfff][\ufffd\ud800-\udfff]*")
"""Signs for damage, and halves of characters that UTF-7 lets stand alone: nothing stores or sends these."""

_OF_MAIL_ALONE = re.compile(
    r"utf-8-sig|utf-7|iso8859-\d+|cp125\d|cp437|cp85[0258]|cp9[345][029]|tis-620|hz|johab|iso2022_(jp(_\w+)?|kr)"
)
"""Character sets that mail knows and the standard does not. Python has more; some take the square of their input's
length (idna), or run what they are given as escapes."""

_WIDER = {"gbk": "gb18030", "ascii": "utf-8", "us-ascii": "utf-8"}
"""Character sets that hold another one, by its name: the standard reads the other one as these, and ASCII with 8-bit
bytes is mostly UTF-8."""

_NOT_IN_MAIL = ("replacement", "x-user-defined")
_META = re.compile(rb"<meta\b[^>]{0,500}?\bcharset\s{0,10}=\s{0,10}[\"']?([!-~]{1,40}?)[\"'\s/>;]", re.IGNORECASE)
_META_BYTES = 2_048
"""Bytes of an HTML part in which it may name its character set; browsers look into the first 1,024."""


def decode_text(data: bytes, label: str | None) -> str:
    """Decode text in the character set that goes by a label. A byte order mark comes first.

    Without a label that names one, text is UTF-8, and Windows-1252 where it cannot be. What cannot be decoded becomes
    U+FFFD, once for a run.
    """
    if data.startswith(codecs.BOM_UTF8):
        data, codec = data[3:], "utf-8"
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16"
    else:
        codec = _codec(label) or _guessed(data)
    # A hundred signs for damage say no more than one, and would make the mail three times as long.
    return _DAMAGE.sub("\ufffd", data.decode(codec, "replace"))


def html_label(html: bytes) -> str | None:
    """Return the label of the character set that HTML names in itself; None where it names none.

    HTML that says in ASCII that it is UTF-16 is not (WHATWG, "prescan a byte stream").
    """
    found = _META.search(html[:_META_BYTES])
    label = found[1].decode("ascii").lower() if found else None
    return None if label is None or label.startswith("utf-16") else label


def is_charset(label: str | None) -> bool:
    """Tell whether mail is written in what this label names."""
    return _codec(label) is not None


def _codec(label: str | None) -> str | None:
    """Return Python's name of the character set. ASCII counts as none: see `_guessed`."""
    name = (label or "").strip(" \t\"'").lower()
    if not name.isascii() or not name.isprintable() or name in ("", "ascii", "us-ascii"):
        return None
    known = webencodings.lookup(name)
    if known is not None and known.name not in _NOT_IN_MAIL:
        return _WIDER.get(known.name, known.codec_info.name)
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return found if _OF_MAIL_ALONE.fullmatch(found) else None


def _guessed(data: bytes) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A text that was cut inside its last character is UTF-8 all the same.
        return (
            "utf-8"
            if error.start >= len(data) - 3 and error.start > 0 and not data[: error.start].isascii()
            else "cp1252"
        )
    return "utf-8"
