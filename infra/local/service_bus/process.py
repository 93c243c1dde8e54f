"""Starts the loopback broker as a process of its own."""

import re
import sys
from pathlib import Path

from infra.local.child import Child
from infra.local.service_bus.addresses import connection_string

_LISTENING = re.compile(r"Service Bus listens at 127\.0\.0\.1:(\d+)")


def start_service_bus(data_dir: Path) -> tuple[Child, str]:
    """Start it on a free port with its messages under the folder: the process, and what clients are given."""
    command = [sys.executable, "-m", "infra.local.service_bus", str(data_dir / "service-bus.json")]
    child = Child("Service Bus", command, data_dir / "logs" / "service-bus.log")
    child.wait_until(lambda: bool(_LISTENING.search(child.output())))
    [port] = _LISTENING.findall(child.output())
    return child, connection_string(int(port))
