"""Large texts that are always the same, packed for clients that take them so: Azure Functions does not do that."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import lru_cache

import azure.functions as func

_NO_HEADERS: Mapping[str, str] = {}
_MOST_KEPT = 64
"""Texts that are kept packed: the files of pages and the API's document."""


def packed_answer(
    request: func.HttpRequest, content: bytes, media_type: str, headers: Mapping[str, str] = _NO_HEADERS
) -> func.HttpResponse:
    """Answer with a text that is always the same, packed where the client takes it."""
    is_packed = "gzip" in request.headers.get("accept-encoding", "")
    sent = {**headers, "Vary": "Accept-Encoding", **({"Content-Encoding": "gzip"} if is_packed else {})}
    return func.HttpResponse(_packed(content) if is_packed else content, mimetype=media_type, headers=sent)


@lru_cache(maxsize=_MOST_KEPT)
def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
