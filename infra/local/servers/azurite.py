"""Starts Azurite, Microsoft's emulator of Azure Storage, on free ports of this machine."""

import re
from dataclasses import dataclass
from pathlib import Path

from infra.local.child import Child, node_program
from infra.local.settings import development_connection_string, development_endpoint

_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running Azurite; the endpoints are those of its development account."""

    child: Child
    location: Path
    """The folder of its data."""

    connection_string: str
    blob_endpoint: str
    queue_endpoint: str
    table_endpoint: str

    def stop(self) -> None:
        """End the server; everything that was written is then on disk."""
        self.child.stop()


def start_azurite(data_dir: Path) -> Azurite:
    """Start Azurite with its data under the folder, and wait until it answers."""
    location = data_dir / "azurite"
    location.mkdir(parents=True, exist_ok=True)
    # Port 0: each service takes a free port by itself and says which. The version check would refuse an SDK
    # that is newer than this Azurite. Not --loose: what real storage refuses shall be refused here too.
    ports = [argument for kind in ("blob", "queue", "table") for argument in (f"--{kind}Port", "0")]
    command = [node_program("azurite"), "--silent", "--disableTelemetry", "--skipApiVersionCheck", *ports]
    child = Child("Azurite", [*command, "--location", str(location)], data_dir / "logs" / "azurite.log")
    child.wait_until(lambda: len(_ports(child)) == 3)
    chosen = _ports(child)
    blob, queue, table = chosen["Blob"], chosen["Queue"], chosen["Table"]
    return Azurite(
        child=child,
        location=location,
        connection_string=development_connection_string(blob, queue, table),
        blob_endpoint=development_endpoint(blob),
        queue_endpoint=development_endpoint(queue),
        table_endpoint=development_endpoint(table),
    )


def _ports(child: Child) -> dict[str, int]:
    return {kind: int(port) for kind, port in _LISTENING.findall(child.output())}
