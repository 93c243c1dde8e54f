"""Types of settings that are more than a text or a number: each reads the text of the environment, and checks it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from lib.fields import WebOrigin
from lib.outside import is_host
from lib.tokens import KeyRing


def _web_address(value: str) -> str:
    # urlsplit drops tabs and line ends without a word.
    parts = urlsplit(value) if re.fullmatch(r"[!-~]+", value) else urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("it is no http or https address")
    return value.rstrip("/")


def _service_address(value: str) -> str:
    if not value.startswith("https://") or urlsplit(value).path not in ("", "/"):
        raise ValueError("it is no https address of a host alone")
    return value


def _folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError("there is no such folder")
    return value


def _origins(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _key_ring(value: Any) -> KeyRing:
    return value if isinstance(value, KeyRing) else KeyRing.parse(str(value))


def _hosts(value: Any) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    hosts = tuple(host.strip().lower().strip(".") for host in str(value).split(","))
    if wrong := next((host for host in hosts if not is_host(host)), None):
        raise ValueError(f"{wrong[:100]} is no host name")
    return hosts


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""An http or https address without query and fragment; a slash at its end goes."""

ServiceAddress = Annotated[WebAddress, AfterValidator(_service_address)]
"""An https address of a host alone."""

ClientId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")]
"""The client id of an identity in Microsoft Entra ID, a GUID."""

Folder = Annotated[Path, AfterValidator(_folder)]
"""A folder that is there."""

Origins = Annotated[frozenset[WebOrigin], BeforeValidator(_origins)]
"""Origins of web pages, with commas between them."""

TokenKeys = Annotated[KeyRing, BeforeValidator(_key_ring)]

HostNames = Annotated[tuple[str, ...], BeforeValidator(_hosts)]
"""Names of hosts in lower case, with commas between them."""
