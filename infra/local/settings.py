"""App settings: `local.settings.json` in the Functions format, with the environment on top of it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.errors import StartError

_REFERENCE = re.compile(r"%([^%]+)%")

# The account that every Azurite has; its key is public and documented.
DEVELOPMENT_ACCOUNT = "devstoreaccount1"
DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def read_settings_file(path: Path) -> dict[str, str]:
    """Read the `Values` of the file; no file means no values. Raises StartError on a file it cannot use."""
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise StartError(f"{path.name} is not valid JSON: {error}.") from error
    except OSError as error:
        raise StartError(f"{path.name} cannot be read: {error.strerror}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("Values", {}), dict):
        raise StartError(f'{path.name} must look like {{"IsEncrypted": false, "Values": {{"NAME": "value"}}}}.')
    if document.get("IsEncrypted"):
        raise StartError(f"{path.name} is encrypted; decrypt it with: func settings decrypt")
    return {name: _text(path, name, value) for name, value in document.get("Values", {}).items()}


def _text(path: Path, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise StartError(f"{path.name}: the value of {name} must be a text.")


def fill_in_settings(text: str, settings: Mapping[str, str], function_name: str) -> str:
    """Replace each `%NAME%` by the setting of that name. Raises StartError when there is none."""

    def value(match: re.Match[str]) -> str:
        found = settings.get(match[1])
        if not found:
            raise StartError(f"Function {function_name} needs the setting {match[1]}, which is not set.")
        return found

    return _REFERENCE.sub(value, text)


def connection_string(settings: Mapping[str, str], name: str, function_name: str) -> str:
    """Return the storage connection string in the setting `name` (empty: AzureWebJobsStorage)."""
    name = name or "AzureWebJobsStorage"
    found = settings.get(name) or settings.get(f"AzureWebJobs{name}")
    if not found:
        raise StartError(f"Function {function_name} needs the setting {name}: set it to a storage connection string.")
    return expand_development_storage(found)


def expand_development_storage(connection: str) -> str:
    """Spell out `UseDevelopmentStorage=true`, which the SDK does not know: Azurite on its usual ports."""
    if connection.strip().rstrip(";").lower() != "usedevelopmentstorage=true":
        return connection
    return development_connection_string(10000, 10001, 10002)


def development_connection_string(blob_port: int, queue_port: int, table_port: int) -> str:
    """Return the connection string of an Azurite on those ports of this machine."""
    endpoints = {"Blob": blob_port, "Queue": queue_port, "Table": table_port}
    return (
        f"DefaultEndpointsProtocol=http;AccountName={DEVELOPMENT_ACCOUNT};AccountKey={DEVELOPMENT_KEY};"
        + ";".join(f"{kind}Endpoint={development_endpoint(port)}" for kind, port in endpoints.items())
        + ";"
    )


def development_endpoint(port: int) -> str:
    """Return the base URL of the account on an Azurite service's port."""
    return f"http://127.0.0.1:{port}/{DEVELOPMENT_ACCOUNT}"
