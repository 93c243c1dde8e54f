"""The table of packages in docs/architecture.md, held against the floors in pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

_PAGE = "docs/architecture.md"
_ROW = re.compile(r"^\| (\d+) \| `lib/(\w+)(?:\.py)?` \|", re.MULTILINE)


def misplaced_packages(root: Path) -> list[str]:
    """One line for each package of `lib` that the table lacks, or has on another floor."""
    rows = {package: int(floor) for floor, package in _ROW.findall((root / _PAGE).read_text())}
    floors = dict(_floors(root / "pyproject.toml"))
    return [
        f"{_PAGE}: lib/{package} is on floor {floors.get(package)}, and the table says {rows.get(package)}"
        for package in sorted(rows.keys() | floors.keys())
        if rows.get(package) != floors.get(package)
    ]


def _floors(path: Path) -> Iterator[tuple[str, int]]:
    """Each package with its floor, by the contract of import-linter; 0 is the lowest."""
    contracts = tomllib.loads(path.read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    for floor, layer in enumerate(reversed(layers)):
        for package in layer.split("|"):
            yield package.strip(), floor
