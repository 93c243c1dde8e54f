"""File names as people type them, made safe for every place where a file name stands: a disk, a header, a URL.

Letters of any script stay. Characters go that could leave a folder, hide an extension or break a header.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

LONGEST = 180
"""Bytes in UTF-8. Most file systems hold 255; what saves a file may add a number, or a suffix of its own."""

LONGEST_EXTENSION = 20
_LONGEST_IN_URL = 60
"""Bytes: in a URL people only read the name, and percent-encoding makes it three times as long."""

UNNAMED = "file"

_JOINERS = frozenset("\u200c\u200d")
"""The only invisible characters that scripts and emoji are written with."""

_NOT_AT_ENDS = ". \u200c\u200d"
_FORBIDDEN = re.compile(r'[<>:"|?*]+')
# The superscripts count as digits there. Source: Windows, "Naming Files, Paths, and Namespaces",
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])[ ]*(?:\.|\Z)", re.IGNORECASE)
_NOT_IN_PLAIN = re.compile(r"[^ !#-\[\]-~]|[%;/:*?<>|]")
"""Characters that a quoted string cannot hold as they are, and that decomposing a letter can bring back."""
_RFC5987_SAFE = "!#$&+-.^_`|~"


def clean_filename(name: str) -> str:
    """Return the name alone, at most `LONGEST` bytes, never empty; cleaning it again changes nothing.

    The last part of a path stays. Control characters and bidi overrides (`exe.fdp`, shown as `pdf.exe` reversed) go, as
    do lone surrogates; names that Windows keeps for devices get an underscore.
    """
    name = unicodedata.normalize("NFC", "".join(map(_visible, name)))
    name = re.split(r"[/\\]", name.rstrip("/\\. "))[-1]
    name = _FORBIDDEN.sub("_", name)
    name = " ".join(name.split()).strip(_NOT_AT_ENDS)
    if _RESERVED.match(name):
        name = f"_{name}"
    return _shortened(name, LONGEST) or UNNAMED


def filename_in_url(name: str) -> str:
    """Return a cleaned name as the last part of a URL. Some servers decode twice or stop at a semicolon: such
    characters go."""
    return quote(_shortened(re.sub(r"[%;&+#=]+", "_", name), _LONGEST_IN_URL), safe="")


def as_download(name: str) -> str:
    """Return a `Content-Disposition` (RFC 6266) that saves a file under a cleaned name: in ASCII, and exactly (RFC
    8187)."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    plain = _NOT_IN_PLAIN.sub("_", plain)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_RFC5987_SAFE)}"


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Cc", "Zl", "Zp"):
        return " "
    return "" if kind in ("Cf", "Cs") and character not in _JOINERS else character


def _shortened(name: str, longest: int) -> str:
    """Return at most so many bytes of a name, with its extension whole."""
    if len(name.encode()) <= longest:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > LONGEST_EXTENSION:
        stem, dot, extension = name, "", ""
    room = longest - len((dot + extension).encode())
    cut = stem.encode()[:room].decode(errors="ignore")
    # What is left of a cluster would be drawn on another letter.
    end = len(cut)
    while end and (unicodedata.combining(stem[end]) or stem[end] in _JOINERS):
        end -= 1
    return cut[: end or len(cut)].rstrip(_NOT_AT_ENDS) + dot + extension
