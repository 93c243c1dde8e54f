"""Static files of the console."""

from __future__ import annotations

from pathlib import Path

import azure.functions as func

from functions.pages.assets import KEPT, Assets

FOLDER = Path(__file__).parent / "static"

STATIC = Assets("/console/static", {file.name: file for file in FOLDER.iterdir()})


def static_answer(name: str) -> func.HttpResponse:
    """Answer with a file by its name with the digest. One of another release is not kept."""
    found = STATIC.find(name)
    if found is None:
        return func.HttpResponse("There is no such file.", status_code=404, mimetype="text/plain")
    headers = {"Cache-Control": KEPT if found.name == name else "no-cache"}
    return func.HttpResponse(found.content, mimetype=found.media_type, headers=headers)
