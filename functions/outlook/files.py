"""Static files of the add-in.

Modules import each other by relative names, so that all of them are served below one path, which holds a digest of
them all. What Outlook loads by the manifest (icons, the script of events) has addresses that stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import azure.functions as func

from functions.outlook.joining import joined
from functions.pages.assets import KEPT, VENDORED
from functions.pages.packing import packed_answer

FOLDER = Path(__file__).parent / "static"
ICONS = Path(__file__).parent / "icons"
MSAL = "msal-browser.min.js"

_OURS = {file.relative_to(FOLDER).as_posix(): file for file in FOLDER.rglob("*.*")}
_FILES: Mapping[str, Path] = {**_OURS, MSAL: VENDORED / "msal-browser" / MSAL}
_TYPES = {".css": "text/css", ".js": "text/javascript", ".json": "application/json", ".png": "image/png"}
_A_DAY = "public, max-age=86400"
_CHECKED = "no-cache"
_DIGEST_LETTERS = 16


@cache
def static_path() -> str:
    """Return the path below which the files of this release are."""
    digest = hashlib.sha256()
    for name in sorted(_FILES):
        digest.update(name.encode() + b"\0" + _read(_FILES[name]))
    return f"/outlook/-/static/{digest.hexdigest()[:_DIGEST_LETTERS]}/"


@cache
def _read(file: Path) -> bytes:
    return file.read_bytes()


@cache
def launch_script() -> bytes:
    """Return the handler of events as one classic script."""
    return joined(FOLDER, "launch")


def file_answer(request: func.HttpRequest, rest: str) -> func.HttpResponse:
    """Answer with a file, by its path below `/outlook/-/`. One of another release is not kept."""
    if rest == "launchevent.js":
        return _answer(request, launch_script(), ".js", _CHECKED)
    kind, _, name = rest.partition("/")
    if kind == "icons" and name in icon_names():
        return _answer(request, _read(ICONS / name), ".png", _A_DAY)
    file = _FILES.get(name.partition("/")[2]) if kind == "static" else None
    if file is not None:
        is_ours = f"/outlook/-/{rest}".startswith(static_path())
        return _answer(request, _read(file), file.suffix, KEPT if is_ours else _CHECKED)
    return func.HttpResponse("There is no such file.", status_code=404, mimetype="text/plain")


@cache
def icon_names() -> frozenset[str]:
    """Return the names of the icons."""
    return frozenset(file.name for file in ICONS.glob("*.png"))


def _answer(request: func.HttpRequest, content: bytes, suffix: str, kept: str) -> func.HttpResponse:
    # Outlook itself loads icons and the script of events, from pages of other hosts.
    headers = {"Cache-Control": kept, "Cross-Origin-Resource-Policy": "cross-origin"}
    if suffix == ".png":
        return func.HttpResponse(content, mimetype=_TYPES[suffix], headers=headers)
    return packed_answer(request, content, _TYPES[suffix], headers)
