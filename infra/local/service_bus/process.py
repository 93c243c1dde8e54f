"""Starts the loopback broker, a program for Node, as a process of its own."""

import re
from pathlib import Path

from infra.local.child import ROOT, Child, node
from infra.local.errors import StartError

_BROKER = Path(__file__).with_name("broker.mjs")
_LISTENING = re.compile(r"Service Bus listens at 127\.0\.0\.1:(\d+)")


def start_service_bus(data_dir: Path, *, port: int = 0, lock_seconds: float = 30) -> tuple[Child, str]:
    """Start it with its messages under the folder: the process, and what clients are given.

    Port 0 is any free port; `lock_seconds` is how long a receiver has a message to itself. Raises StartError.
    """
    if not (ROOT / "node_modules" / "rhea").exists():
        raise StartError("rhea is not installed; install it with: make setup")
    command = [node(), str(_BROKER), str(data_dir / "service-bus.json"), str(port), str(lock_seconds)]
    child = Child("Service Bus", command, data_dir / "logs" / "service-bus.log")
    child.wait_until(lambda: bool(_LISTENING.search(child.output())))
    [chosen] = _LISTENING.findall(child.output())
    return child, connection_string(int(chosen))


def connection_string(port: int) -> str:
    """Build the connection string of a broker on that port of this machine.

    `UseDevelopmentEmulator` has clients do without TLS. The broker looks at no key, but the SDK wants one.
    """
    return (
        f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
        "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
    )
