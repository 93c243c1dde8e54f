"""Files that pages load: styles and scripts, each under a name that changes with its content.

Those in the folder `vendored` are other people's: `vendored/files.csv` lists them, with version, checksum and licence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent
VENDORED = _HERE / "vendored"

FOLDER = "/api/docs/files"
"""Path below which the files are served."""

_FILES: Mapping[str, Path] = {
    "docs.css": _HERE / "templates" / "api_docs.css",
    "try.js": _HERE / "templates" / "api_docs_try.js",
    "swagger-ui.css": VENDORED / "swagger-ui-dist" / "swagger-ui.css",
    "swagger-ui.js": VENDORED / "swagger-ui-dist" / "swagger-ui-bundle.js",
}
_MEDIA_TYPES: Mapping[str, str] = {".css": "text/css", ".js": "text/javascript"}
_DIGEST_LETTERS = 16


class Asset(NamedTuple):
    """A file as it is served."""

    name: str
    """The name with the digest: `docs.0123456789abcdef.css`."""

    content: bytes
    media_type: str


@cache
def load_asset(name: str) -> Asset:
    """Read a file. Raises KeyError for a name that is none of theirs."""
    path = _FILES[name]
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:_DIGEST_LETTERS]
    stem, _, ending = name.rpartition(".")
    return Asset(f"{stem}.{digest}.{ending}", content, _MEDIA_TYPES[path.suffix])


def asset_address(name: str) -> str:
    """Return the address of a file, as pages name it."""
    return f"{FOLDER}/{load_asset(name).name}"


def find_asset(served: str) -> Asset | None:
    """Find the file of a name with a digest. The digest may be that of another release, whose page is still shown."""
    stem, _, rest = served.rpartition(".")
    name = f"{stem.rpartition('.')[0]}.{rest}"
    return load_asset(name) if name in _FILES else None
