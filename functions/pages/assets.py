"""Files that pages load: styles, scripts and icons, each under a name that changes with its content.

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

KEPT = "public, max-age=31536000, immutable"
"""The header Cache-Control of a file whose name holds the digest of its content."""

_MEDIA_TYPES: Mapping[str, str] = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_DIGEST_LETTERS = 16


class Asset(NamedTuple):
    """A file as it is served."""

    name: str
    """The name with the digest: `docs.0123456789abcdef.css`."""

    content: bytes
    media_type: str


class Assets:
    """Files that are served below one path. Each is read when it is first asked for."""

    def __init__(self, path: str, files: Mapping[str, Path]) -> None:
        self._path = path
        self._files = files

    def address(self, name: str) -> str:
        """Return the address of a file, as pages name it. Raises KeyError for a name that is none of theirs."""
        return f"{self._path}/{_read(name, self._files[name]).name}"

    def find(self, served: str) -> Asset | None:
        """Find the file of a name with a digest. It may be that of another release, whose page is still shown."""
        stem, _, ending = served.rpartition(".")
        name = f"{stem.rpartition('.')[0]}.{ending}"
        return _read(name, self._files[name]) if name in self._files else None


@cache
def _read(name: str, file: Path) -> Asset:
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:_DIGEST_LETTERS]
    stem, _, ending = name.rpartition(".")
    return Asset(f"{stem}.{digest}.{ending}", content, _MEDIA_TYPES[file.suffix])


DOCS = Assets(
    "/api/docs/files",
    {
        "docs.css": _HERE / "templates" / "api_docs.css",
        "try.js": _HERE / "templates" / "api_docs_try.js",
        "swagger-ui.css": VENDORED / "swagger-ui-dist" / "swagger-ui.css",
        "swagger-ui.js": VENDORED / "swagger-ui-dist" / "swagger-ui-bundle.js",
    },
)
"""The files of the API's docs."""
