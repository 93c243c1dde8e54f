"""Static files of the console. A file's name holds a hash of its content, so that browsers keep the file for good."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import azure.functions as func

FOLDER = Path(__file__).parent / "static"
PATH = "/console/static/"

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable"}


class StaticFile(NamedTuple):
    """A file of the folder `static`."""

    content: bytes
    media_type: str


@cache
def static_path(name: str) -> str:
    """Return the path of a file, such as `/console/static/console.3f0a….css` of `console.css`."""
    return PATH + _hashed(FOLDER / name)


@cache
def _files() -> dict[str, StaticFile]:
    return {
        _hashed(file): StaticFile(file.read_bytes(), _TYPES[file.suffix])
        for file in FOLDER.iterdir()
        if file.suffix in _TYPES
    }


def _hashed(file: Path) -> str:
    return f"{file.stem}.{hashlib.sha256(file.read_bytes()).hexdigest()[:16]}{file.suffix}"


def static_answer(name: str) -> func.HttpResponse:
    """Answer with a file by its name with the hash."""
    found = _files().get(name)
    if found is None:
        return func.HttpResponse("There is no such file.", status_code=404, mimetype="text/plain")
    return func.HttpResponse(found.content, mimetype=found.media_type, headers=_HEADERS)
