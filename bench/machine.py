"""On what was measured: the machine and the versions, without anything that names the machine."""

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from infra.local.child import ROOT

PACKAGES = (
    "uvicorn", "uvloop", "httptools", "aiohttp", "azure-functions", "azure-data-tables", "azure-core", "cryptography",
    "turbohtml",
)  # fmt: skip


def describe_machine() -> str:
    """The CPU's model, how many there are, and the memory."""
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{_processor()}, {len(os.sched_getaffinity(0))} CPUs, {gibibytes:.0f} GiB, Linux {platform.release()}"


def describe_versions() -> str:
    """Python, the packages that a hit passes through, and what storage runs on."""
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    package = ROOT / "node_modules" / "azurite" / "package.json"
    azurite = json.loads(package.read_text(encoding="utf-8"))["version"]
    return f"Python {platform.python_version()}, {packages}; Azurite {azurite} on Node {node}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
