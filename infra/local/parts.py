"""The three parts of Heed, each a process of its own, on the storage and the mail server that the caller started."""

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local.child import Child, free_port

PARTS = ("recipients", "crm", "work")


def start_parts(folder: Path, data_dir: Path, children: list[Child]) -> Mapping[str, str]:
    """Start a host for each part and wait until all answer; their base URLs. They are added to the children.

    The environment is theirs too, so it must hold storage, mail server and keys.
    """
    ports = {part: free_port() for part in PARTS}
    for part, port in ports.items():
        own = {"HEED_FUNCTIONS": part, "HEED_PORT": str(port), "HEED_DATA_DIR": str(data_dir / part)}
        command = [sys.executable, "-m", "infra.local", str(folder)]
        children.append(Child(f"The part {part}", command, None, os.environ | own))
    for child, port in zip(children[-len(PARTS) :], ports.values(), strict=True):
        child.wait_until(lambda port=port: _answers(port))  # type: ignore[misc]
    return {part: f"http://127.0.0.1:{port}" for part, port in ports.items()}


def _answers(port: int) -> bool:
    """Whether a host answers, whatever it says: it listens before it can."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/")
        connection.getresponse()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
