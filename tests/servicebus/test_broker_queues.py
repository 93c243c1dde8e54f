"""The loopback broker's queues, with a clock that is set by hand: Node runs these tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

QUEUES = Path(__file__).with_name("broker_queues.test.mjs")


def test_the_queues_do_what_service_bus_promises() -> None:
    ran = subprocess.run(["node", "--test", str(QUEUES)], capture_output=True, text=True, timeout=300)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# pass 0" not in ran.stdout
